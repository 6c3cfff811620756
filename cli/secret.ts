import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { parse } from "yaml";
import { loadEnvironment } from "../components/plan/load.ts";
import { parseSecretKey, secretKey } from "../components/plan/secret-key.ts";
import { externalSecret } from "../components/services/external.ts";
import { isMap } from "../components/text/value.ts";
import { renderColumns } from "./columns.ts";
import { siteOf, valueOrReport } from "./planned.ts";
import { environmentName, root, runPulumi } from "./pulumi.ts";
import { rotateKey } from "./rotate-key.ts";
import { UserError } from "./user-error.ts";

/** One version of a secret: whether its value is kept, and whether the environment names it. */
interface Secret {
  site: string;
  name: string;
  version: number;
  isKept: boolean;
  isNamed: boolean;
}

/** `silver secret set|list|rotate`: values go, encrypted, into the configuration of the environment's own stack, and are never shown. */
export function secret(program: Command): void {
  const verb = program
    .command("secret")
    .description("secrets of an environment: set a new version, list names and versions; rotate a site's own key");
  verb
    .command("set <site> <name>")
    .description("keep a value, which is asked for, or read from stdin, as the next version of a secret")
    .action((site: string, name: string) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      set(environmentName(environment), site, name, json === true);
    });
  rotate(verb, program);
  verb
    .command("list [site]")
    .description("names and versions, of all sites or one; no value")
    .action((site: string | undefined) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const stack = environmentName(environment);
      const all = secretsOf(stack, site);
      if (json === true) console.log(JSON.stringify(all, undefined, 2));
      else if (all.length === 0) console.log(`stacks/Pulumi.${stack}.yaml keeps no secret, and stacks/${stack}.yaml names none`);
      else console.log(renderColumns(["SITE", "SECRET", "VERSION", "STATE"], all.map(rowOf)));
    });
}

function rotate(verb: Command, program: Command): void {
  verb
    .command("rotate <site>")
    .description("a new key for a site (SILVER_SECRET_FILE); the one before is kept beside it")
    .action(async (site: string) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      await rotateKey(environment, site, json === true);
    });
}

function set(stack: string, site: string, name: string, json: boolean): void {
  if (!/^[A-Z][A-Z0-9_]{0,63}$/.test(name))
    throw new UserError(`${name} can't be the name of a variable`, "use upper-case letters, digits and _: STRIPE_KEY", 2);
  const own = secretsOf(stack, site).filter((each) => each.name === name);
  // What the environment waits for is set first.
  const awaited = own.find(({ isKept, isNamed }) => isNamed && !isKept)?.version;
  const version = awaited ?? Math.max(0, ...own.map((each) => each.version)) + 1;
  const key = `secrets["${secretKey(site, name, version)}"]`;
  if (runPulumi(["config", "set", "--secret", "--path", key, "--stack", stack], json ? "stderr" : "stdout") !== 0)
    throw new UserError(
      `version ${version} of ${name} was not kept`,
      `see above; a stack that does not exist yet is made by: pulumi stack init ${stack}`,
    );
  const isNamed = awaited !== undefined;
  if (json) console.log(JSON.stringify({ site, name, version, isKept: true, isNamed }, undefined, 2));
  else {
    console.log(`✓ stacks/Pulumi.${stack}.yaml keeps version ${version} of ${name} for ${site}`);
    if (!isNamed) console.log(`\nNext: name it in stacks/${stack}.yaml, ${whereToName(site, name, version)}`);
  }
}

/** CONFIG_ is the platform's: such a secret is that of a service which somebody else runs. */
function whereToName(site: string, name: string, version: number): string {
  const [, service, key] = /^CONFIG_(.+)_(URL|PASSWORD)$/.exec(name) ?? [];
  if (service === undefined || key === undefined) return `in the config of ${site}:\n\n  ${name}: { secret: ${version} }`;
  return `in the services of ${site}:\n\n  ${service.toLowerCase()}: { external: { ${key.toLowerCase()}: { secret: ${version} } } }`;
}

/** Every version that is kept or named, by site and name, the newest last. */
function secretsOf(stack: string, only: string | undefined): Secret[] {
  const { sites } = valueOrReport(loadEnvironment(root, stack), root, `${stack} can't be read as it is`);
  if (only !== undefined) siteOf(sites, only, stack);
  const named = Object.values(sites).flatMap(({ name: site, config, services }) => [
    ...Object.entries(config).flatMap(([name, value]) =>
      typeof value === "object" ? [secretKey(site, name, value.secret)] : [],
    ),
    ...Object.entries(services).flatMap(([service, place]) => {
      const value = typeof place === "object" ? (place.external.url ?? place.external.password) : undefined;
      if (typeof place !== "object" || value === undefined) return [];
      return [secretKey(site, externalSecret(service, place.external), value.secret)];
    }),
  ]);
  const kept = keptIn(stack);
  return [...new Set([...kept, ...named])]
    .flatMap((key) => {
      const parsed = parseSecretKey(key);
      return parsed === undefined ? [] : [{ ...parsed, isKept: kept.includes(key), isNamed: named.includes(key) }];
    })
    .filter(({ site }) => only === undefined || site === only)
    .sort((one, other) => compare(one.site, other.site) || compare(one.name, other.name) || one.version - other.version);
}

/** Keys below `silverlining:secrets` of a stack's own file. */
function keptIn(stack: string): string[] {
  const file = join(root, "stacks", `Pulumi.${stack}.yaml`);
  const tree: unknown = existsSync(file) ? parse(readFileSync(file, "utf8")) : undefined;
  const config = isMap(tree) && isMap(tree.config) ? tree.config["silverlining:secrets"] : undefined;
  return isMap(config) ? Object.keys(config) : [];
}

function rowOf({ site, name, version, isKept, isNamed }: Secret): string[] {
  const state = !isKept ? "missing: set it" : isNamed ? "in use" : "kept, not named";
  return [site, name, String(version), state];
}

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);
