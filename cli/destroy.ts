import type { Command } from "commander";
import { z } from "zod";
import { standingOfCommands, type Standing } from "../components/plan/losses.ts";
import { destroyed } from "../components/rollout/protection.ts";
import { printableJson } from "../components/text/printable.ts";
import { renderColumns } from "./columns.ts";
import { awaitLocks } from "./locks.ts";
import { environmentName, exportedResources, runPulumi } from "./pulumi.ts";
import { askForName } from "./typed-name.ts";
import { UserError } from "./user-error.ts";

/** What is read of a resource in a stack's state. */
const resource = z.object({
  urn: z.string(),
  type: z.string(),
  protect: z.boolean().optional(),
  inputs: z
    .object({ environment: z.record(z.string(), z.unknown()) })
    .partial()
    .optional(),
});

/** What an environment has, as it was deployed last. */
interface Deployed extends Standing {
  isProtected: boolean;
  /** Whether anything is deployed. */
  isThere: boolean;
}

/** `silver destroy NAME`: takes an environment down, once its name was typed. */
export function destroy(program: Command): void {
  program
    .command("destroy <name>")
    .description("take an environment down: asks for its name, also where it is protected")
    .action(async (name: string) => {
      const { json } = program.opts<{ json?: boolean }>();
      const environment = environmentName(name);
      await awaitLocks(environment, (line) => {
        console.error(line);
      });
      const deployed = deployedIn(environment);
      if (deployed.isThere) await askFor(environment, deployed);
      // Its marks stay where it fails half-way, so that nobody goes on with plain `pulumi destroy`.
      const words = ["destroy", "--yes", "--skip-preview", "--stack", environment];
      const all = [...words, ...(deployed.isProtected ? ["--ignore-protect"] : [])];
      const run = () => runPulumi(all, json === true ? "stderr" : "stdout", { [destroyed]: environment });
      if (deployed.isThere && run() !== 0)
        throw new UserError(`${environment} is not down everywhere`, `see above; then silver destroy ${environment} again`);
      const sites = deployed.sites.map((site) => site.name);
      if (json === true) console.log(printableJson({ environment, sites }, 2));
      else console.log(deployed.isThere ? `✓ ${environment} is down` : `✓ nothing of ${environment} is deployed`);
    });
}

function deployedIn(environment: string): Deployed {
  const resources = exportedResources(environment, resource);
  const commands = resources.flatMap(({ urn, type, inputs }) => {
    if (type !== "command:local:Command") return [];
    const facts = Object.entries(inputs?.environment ?? {});
    const variables = Object.fromEntries(facts.filter((fact): fact is [string, string] => typeof fact[1] === "string"));
    return [{ name: urn.split("::").at(-1) ?? urn, variables }];
  });
  const own = resources.filter(({ type }) => !type.startsWith("pulumi:"));
  return {
    ...standingOfCommands(commands),
    isProtected: resources.some(({ protect }) => protect === true),
    isThere: own.length > 0,
  };
}

/** @throws UserError unless the environment's name is typed */
async function askFor(environment: string, deployed: Deployed): Promise<void> {
  console.error([`${environment}${deployed.isProtected ? ", which is protected," : ""} goes:`, ...linesOf(deployed)].join("\n"));
  await askForName(environment, { prompt: "Type its name to destroy it", stays: environment, verb: "silver destroy" });
}

function linesOf({ sites, machines }: Deployed): string[] {
  const isMade = (node: string) => machines.some((machine) => machine.node === node && machine.address === undefined);
  const rows = [
    ...sites.map(({ name, nodes, services }) => {
      const data = services.length === 0 ? "" : `with data (${services.map((service) => service.name).join(", ")})`;
      const kept = nodes.filter((node) => !isMade(node));
      const left = kept.length === 0 ? "" : `kept in the archive of ${kept.join(", ")}`;
      return [`  ${name}`, "site", [data, left].filter((part) => part !== "").join(", ")];
    }),
    ...machines.map(({ node, address }) => [
      `  ${node}`,
      "node",
      address === undefined ? "removed, with its disk" : `${address}, which stays as it is otherwise`,
    ]),
  ];
  const [head = [], ...more] = rows;
  return rows.length === 0 ? [] : [renderColumns(head, more)];
}
