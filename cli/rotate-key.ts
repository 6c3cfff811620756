import { Failure } from "../components/rollout/failure.ts";
import { printableJson, printableLines } from "../components/text/printable.ts";
import { anothers, declaredBy, withAgent, type DeclaredNode } from "./nodes.ts";
import { siteOf } from "./planned.ts";
import { whoRuns } from "../components/rollout/who.ts";

/** What came of it on one node: null for a new key, or why there is none. */
interface Rotated {
  node: string;
  problem: { message: string; fix: string | null } | null;
}

/** `silver secret rotate SITE`: a new key for a site (SILVER_SECRET_FILE), on each of its nodes. Exits 1 unless each has one. */
export async function rotateKey(environment: string | undefined, site: string, json: boolean): Promise<void> {
  const { reach, sites } = declaredBy(environment);
  const declared = siteOf(sites, site, environment);
  const nodes = declared.nodes.flatMap((name) => reach[name] ?? []);
  const rotated = await Promise.all(nodes.map((node) => rotateOn(node, site)));
  console.log(json ? printableJson(rotated, 2) : rotated.flatMap((one) => linesOf(one, site)).join("\n"));
  process.exitCode = rotated.every(({ problem }) => problem === null) ? 0 : 1;
}

async function rotateOn(node: DeclaredNode, site: string): Promise<Rotated> {
  try {
    await withAgent(node, async (session, { claim }) => {
      const other = anothers(node, claim, "rotate-key", "rotate it from there");
      if (other !== undefined) throw other;
      const who = whoRuns();
      const { token } = await session.ask("lease", { site, who, pid: process.pid, release: "its key (silver secret rotate)" });
      await session.ask("rotate-key", { site, token });
    });
    return { node: node.name, problem: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    const { message, fix = null } = error.details;
    return { node: node.name, problem: { message, fix } };
  }
}

function linesOf({ node, problem }: Rotated, site: string): string[] {
  const lines =
    problem === null
      ? [
          `✓ ${site} on ${node} has a new key; what runs takes it with its next release, and finds the one before beside it (.previous)`,
        ]
      : [`✗ ${site} on ${node}: ${problem.message}`, ...(problem.fix === null ? [] : [`  ${problem.fix}`])];
  return lines.flatMap(printableLines);
}
