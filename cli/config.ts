import type { Command } from "commander";
import type { EnvironmentSite } from "../components/environment/environment.ts";
import { parseIni } from "../components/manifest/ini/read.ts";
import type { Place } from "../components/text/issue.ts";
import { printable, printableJson } from "../components/text/printable.ts";
import { readInside } from "../components/text/files.ts";
import { decodeManifest, mostManifest, readApp } from "../components/manifest/read.ts";
import { readYaml } from "../components/text/yaml.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import type { SitePlan } from "../components/plan/plan.ts";
import { ownOf } from "../components/text/value.ts";
import { configCreate } from "./config-create.ts";
import { renderColumns } from "./columns.ts";
import { noSite, planOrReport, reportBroken } from "./planned.ts";
import { environmentName, root } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

/** One variable of a site. */
interface Variable {
  name: string;
  /** Absent for a secret, whose value planning never reads, and for a value that the node sets. */
  value?: string;
  /** Version of a secret. */
  secret?: number;
  /** Who sets it; only what people wrote has a position. */
  by: "manifest" | "environment" | "platform" | "service";
  place?: Place;
  /** For SILVER_APP_CONFIG: the files in the directory, relative to the project's root. */
  files?: string[];
}

/** `silver config SITE`: each variable an app finds, and the file that set it. Offline; secrets by name and version. */
export function config(program: Command): void {
  const verb = program.command("config");
  configCreate(verb, program);
  verb
    .argument("<site>")
    .description("each variable of a site, and which file set it; create: make its configuration directory")
    .action((name: string) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      const stack = environmentName(named);
      const { plan } = planOrReport(root, stack);
      const site = plan.sites.find((candidate) => candidate.name === name);
      const declared = ownOf(loadEnvironment(root, stack).value?.sites, name);
      if (plan.broken.some((candidate) => candidate.name === name)) {
        reportBroken(root, plan);
        throw new UserError(`${name} can't be planned as it is`);
      }
      if (site === undefined || declared === undefined)
        return noSite(
          stack,
          name,
          plan.sites.map((each) => each.name),
        );
      const places = manifestPlaces(site.app);
      const variables = [...variablesOf(site, declared, places), ...directoryOf(site, declared, places)].sort(byName);
      if (json === true) console.log(printableJson(variables, 2));
      else {
        console.log(renderColumns(["VARIABLE", "VALUE", "SET BY"], variables.map(rowOf)));
        for (const { name: variable, files } of variables)
          if (files !== undefined) console.log(`\n${variable} holds\n${files.map((file) => `  ${printable(file)}`).join("\n")}`);
      }
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
  const bound = (site.services ?? []).flatMap(({ variables }) =>
    Object.entries(variables).map(([name, value]): Variable => ({
      name,
      // The node chooses names and paths.
      ...(/@[A-Z]+@/.test(value) ? {} : { value }),
      by: "service",
    })),
  );
  return [...plain, ...secrets, ...bound];
}

const byName = (one: Variable, other: Variable) => (one.name < other.name ? -1 : 1);

/** The configuration directory by its source directory: its path on a node depends on the release. */
function directoryOf({ configDirectory, bundle }: SitePlan, declared: EnvironmentSite, inManifest: () => Place): Variable[] {
  if (configDirectory === undefined) return [];
  const name = "SILVER_APP_CONFIG";
  const { path } = configDirectory;
  if (configDirectory.of === "environment") {
    const files = configDirectory.entries.map((entry) => `${path}/${entry.path}`);
    const place = declared.origins.config_dir;
    return [{ name, value: path, by: "environment", ...(place === undefined ? {} : { place }), files }];
  }
  const inApp = bundle.entries.filter((entry) => entry.path.startsWith(`${path}/`));
  const files = inApp.map((entry) => `${bundle.app}/${entry.path}`);
  return [{ name, value: `${bundle.app}/${path}`, by: "manifest", place: inManifest(), files }];
}

/** Position of one default of the manifest, or of all. */
function manifestPlaces(app: string): (...variable: string[]) => Place {
  const file = readApp(root, app).value?.file ?? app;
  const bytes = readInside(root, file, mostManifest);
  if (typeof bytes === "string") throw new UserError(`${file} changed while it was read`, "run this again");
  const text = decodeManifest(bytes);
  const source = file.endsWith(".ini") ? parseIni(text, file) : readYaml(text, file);
  return (...variable) => source.placeOf(["config", "default", ...variable], "key");
}

function rowOf({ name, value, secret, by, place }: Variable): string[] {
  // One row per variable, whatever its value contains.
  const shown =
    value !== undefined ? JSON.stringify(value) : secret !== undefined ? `secret, version ${secret}` : "set on the node";
  return [name, shown, place === undefined ? by : [place.file, place.line].filter((part) => part !== undefined).join(":")];
}
