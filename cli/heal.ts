import type { Command } from "commander";
import type { Healed } from "../components/node/contract.ts";
import { Failure } from "../components/rollout/failure.ts";
import type { Session } from "../components/rollout/session.ts";
import { printableJson, printableLines } from "../components/text/printable.ts";
import { anothers, declaredBy, withAgent, type DeclaredNode } from "./nodes.ts";
import { siteOf } from "./planned.ts";
import { statusOfSites } from "./sites-status.ts";
import { whoRuns } from "../components/rollout/who.ts";

/** What one node put back: of a site, or of what its sites share. */
interface Part extends Healed {
  node: string;
  site: string | null;
}

/** A site after that: `ok`, or what is still wrong on which of its nodes. */
interface Whole {
  site: string;
  state: string;
}

/** `silver heal`: each node puts back what it lost of what it serves. Exits 1 unless all is whole afterwards. */
export function heal(program: Command): void {
  program
    .command("heal [sites...]")
    .description("put back what nodes lost of the live releases: units, links, labels, VCLs, files, mounts; no new release")
    .action(async (only: string[]) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const { reach, sites } = declaredBy(environment);
      for (const name of only) siteOf(sites, name, environment);
      const wanted = only.length > 0 ? [...new Set(only)] : Object.keys(sites);
      const here = (node: string) => wanted.filter((site) => sites[site]?.nodes.includes(node) === true);
      const nodes = Object.values(reach).filter(({ name }) => here(name).length > 0);
      const parts = (await Promise.all(nodes.map((node) => healNode(node, here(node.name))))).flat();
      const rows = await statusOfSites(environment);
      const whole = wanted.map((site) => ({ site, state: stateOf(rows, site) }));
      console.log(json === true ? printableJson({ parts, sites: whole }, 2) : healText(parts, whole));
      const isWhole = whole.every(({ state }) => state === "ok") && parts.every(({ problems }) => problems.length === 0);
      process.exitCode = isWhole ? 0 : 1;
    });
}

/** One node: first what its sites share, then one site after the other, each under its lease. */
async function healNode(node: DeclaredNode, sites: readonly string[]): Promise<Part[]> {
  const parts: Part[] = [];
  const add = async (site: string | null, work: () => Promise<Healed>) => {
    const healed = await work().catch((error: unknown) => ({ changes: [], problems: [problemOf(node, error)] }));
    parts.push({ node: node.name, site, ...healed });
  };
  const heard = (step: string, text: string) => {
    console.error(printableLines(`  ${node.name}  ${step}: ${text}`).join("\n"));
  };
  try {
    await withAgent(
      node,
      async (session, { claim }) => {
        const lost = anothers(node, claim, "heal", "heal it from there");
        if (lost !== undefined) throw lost;
        await add(null, () => session.ask("heal-node", {}, "heal"));
        for (const site of sites) await add(site, () => healSite(session, site));
      },
      heard,
    );
  } catch (error) {
    parts.push({ node: node.name, site: null, changes: [], problems: [problemOf(node, error)] });
  }
  return parts;
}

async function healSite(session: Session, site: string): Promise<Healed> {
  const who = whoRuns();
  const { token, recovered } = await session.ask("lease", {
    site,
    who,
    pid: process.pid,
    release: "what was lost (silver heal)",
  });
  const { changes, problems } = await session.ask("heal", { site, token });
  return { changes: [...recovered, ...changes], problems };
}

/** @throws any error that is not a node's failure */
function problemOf({ name }: DeclaredNode, error: unknown): Healed["problems"][number] {
  if (!(error instanceof Failure)) throw error;
  const { code, message, fix = null, log = [] } = error.details;
  return code === "usage" && message.startsWith("unknown verb")
    ? { what: `the agent of ${name} is older than this checkout`, fix: "run silver up: it brings the new agent first", log }
    : { what: message, fix, log };
}

const stateOf = (rows: readonly { site: string; state: string }[], site: string): string =>
  [...new Set(rows.filter((row) => row.site === site && row.state !== "ok").map(({ state }) => state))].join("; ") || "ok";

/** A line for each thing that was put back, and for each that could not be; then one a site. */
export function healText(parts: readonly Part[], sites: readonly Whole[]): string {
  const place = ({ node, site }: Part) => (site === null ? node : `${site} on ${node}`);
  const lines = parts.flatMap((part) => [
    ...part.changes.map(({ what, why }) => `+ ${place(part)}: ${what}: ${why}`),
    ...part.problems.flatMap(({ what, fix, log }) => [
      `✗ ${place(part)}: ${what}`,
      ...log.map((line) => `  | ${line}`),
      ...(fix === null ? [] : [`  ${fix}`]),
    ]),
  ]);
  const isIdle = parts.every(({ changes, problems }) => changes.length === 0 && problems.length === 0);
  const ends = sites.map(({ site, state }) => {
    const hasProblem = parts.some((part) => part.site === site && part.problems.length > 0);
    if (state !== "ok") return `✗ ${site} · ${state}`;
    return hasProblem ? `✗ ${site} · see above` : `✓ ${site} whole${isIdle ? ", nothing to put back" : ""}`;
  });
  return [...lines, ...ends].flatMap(printableLines).join("\n");
}
