import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { EnvironmentSite } from "../components/environment/environment.ts";
import { parseIni } from "../components/manifest/ini-manifest.ts";
import type { Place } from "../components/manifest/issue.ts";
import { readApp } from "../components/manifest/read.ts";
import { readYaml } from "../components/manifest/yaml.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import type { SitePlan } from "../components/plan/plan.ts";
import { renderColumns } from "./columns.ts";
import { planOrReport, reportBroken } from "./planned.ts";
import { environmentName, root } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

/** One variable of a site. */
interface Variable {
  name: string;
  /** Absent for a secret: its value stands in no file that planning reads. */
  value?: string;
  /** Version of a secret. */
  secret?: number;
  /** Who sets it; only what people wrote has a place. */
  by: "manifest" | "environment" | "platform" | "service";
  place?: Place;
}

/** `silver config SITE`: each variable an app finds, and the file that set it. Offline; secrets by name and version. */
export function config(program: Command): void {
  program
    .command("config <site>")
    .description("each variable of a site, and which file set it")
    .action((name: string) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      const stack = environmentName(named);
      const plan = planOrReport(root, stack);
      const site = plan.sites.find((candidate) => candidate.name === name);
      const declared = loadEnvironment(root, stack).value?.sites[name];
      if (plan.broken.some((candidate) => candidate.name === name)) {
        reportBroken(root, plan);
        throw new UserError(`${name} can't be planned as it is`);
      }
      if (site === undefined || declared === undefined)
        throw new UserError(
          `no site of ${stack} is called ${name}`,
          `the sites are: ${plan.sites.map((each) => each.name).join(", ")}`,
          2,
        );
      const variables = variablesOf(site, declared, manifestPlaces(site.app));
      if (json === true) console.log(JSON.stringify(variables, undefined, 2));
      else console.log(renderColumns(["VARIABLE", "VALUE", "SET BY"], variables.map(rowOf)));
    });
}

function variablesOf(site: SitePlan, declared: EnvironmentSite, inManifest: (variable: string) => Place): Variable[] {
  const written = (name: string): Pick<Variable, "by" | "place"> => {
    const place = declared.origins[`config.${name}`];
    return place === undefined ? { by: "manifest", place: inManifest(name) } : { by: "environment", place };
  };
  const plain = Object.entries(site.variables).map(([name, value]): Variable =>
    Object.hasOwn(site.config, name) ? { name, value, ...written(name) } : { name, value, by: "platform" },
  );
  const secrets = Object.entries(site.secrets).map(([name, secret]): Variable => ({ name, secret, ...written(name) }));
  const bound = Object.entries(site.services?.variables ?? {}).map(([name, value]): Variable => ({ name, value, by: "service" }));
  return [...plain, ...secrets, ...bound].sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Where a default of the manifest stands. */
function manifestPlaces(app: string): (variable: string) => Place {
  const file = readApp(root, app).value?.file ?? app;
  const text = readFileSync(join(root, file), "utf8");
  const source = file.endsWith(".ini") ? parseIni(text, file) : readYaml(text, file);
  return (variable) => source.placeOf(["config", "default", variable], "key");
}

function rowOf({ name, value, secret, by, place }: Variable): string[] {
  // One row a variable, whatever its value holds.
  const shown = value === undefined ? `secret, version ${secret ?? 0}` : JSON.stringify(value);
  return [name, shown, place === undefined ? by : [place.file, place.line].filter((part) => part !== undefined).join(":")];
}
