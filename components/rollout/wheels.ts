import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeRequirements,
  parseRequirements,
  renderRequirements,
  REQUIREMENTS_FILE,
  type Requirements,
} from "../bundle/requirements.ts";
import { targetText } from "../plan/libraries.ts";
import type { PythonTarget } from "../systems/python-target.ts";
import { canonicalJson } from "../render/canonical-json.ts";
import { cacheEntry } from "./cache.ts";
import { explainUv } from "./explain-uv.ts";
import { Failure } from "./failure.ts";
import type { FailureDetails } from "./failure.ts";
import { indexEnvironment } from "./package-index.ts";
import type { Rollout } from "./rollout.ts";
import { run } from "./run.ts";
import type { PackedApp, PackedTree } from "./packed.ts";
import { ensureUv } from "./uv.ts";

/** The wheel set of each node by name, or all failures. */
export interface WheelSets {
  sets: Map<string, PackedTree>;
  failures: FailureDetails[];
}

export interface WheelOptions {
  /** Absolute. */
  cache: string;
  signal: AbortSignal;
  say: (text: string) => void;
}

/**
 * Makes the wheel set of every node of a rollout, or finds it in the cache. Touches no node.
 * A set depends only on the requirements, the Python and the platform.
 */
export async function wheelSets(rollout: Rollout, app: PackedApp, options: WheelOptions): Promise<WheelSets> {
  const sets = new Map<string, PackedTree>();
  const failures: FailureDetails[] = [];
  const nodes = Map.groupBy(Object.entries(rollout.wheels ?? {}), ([, target]) => targetText(target));
  for (const [, [[name, target], ...others]] of nodes as Map<string, [[string, PythonTarget], ...[string, PythonTarget][]]>) {
    const names = [name, ...others.map(([other]) => other)];
    try {
      const set = await wheelSet(requirementsOf(rollout, app), target, { ...options, nodes: names, app: rollout.app });
      for (const each of names) sets.set(each, set);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      failures.push(error.details);
    }
  }
  return { sets, failures };
}

function requirementsOf({ release, app }: Rollout, { directory }: PackedApp): Requirements {
  const file = `${app}/${REQUIREMENTS_FILE}`;
  const { value } = parseRequirements(decodeRequirements(readFileSync(join(directory, REQUIREMENTS_FILE))), file);
  if (value?.digest === release.libraries?.requirements && value !== undefined) return value;
  const fix = "don't change files while pulumi runs";
  throw new Failure({ step: "libraries", code: "changed", message: `${file} changed since the plan`, fix });
}

interface SetOptions extends WheelOptions {
  nodes: string[];
  app: string;
}

async function wheelSet(requirements: Requirements, target: PythonTarget, options: SetOptions): Promise<PackedTree> {
  const key = hash("sha256", canonicalJson({ requirements: requirements.digest, ...target }));
  return cacheEntry(options.cache, `wheels/${key}`, async (fresh) => {
    options.say(
      `${options.app}: getting ${requirements.list.length} libraries for ${targetText(target)} (${options.nodes.join(", ")})`,
    );
    const uv = await ensureUv(options.cache, options.signal);
    const list = join(fresh, "requirements.txt");
    await writeFile(list, renderRequirements(requirements));
    const tree = join(fresh, "tree");
    await mkdir(tree);
    const environment = await indexEnvironment(fresh, options.signal);
    const ended = await run([uv, ...installWords(target, list, tree)], { directory: fresh, environment, signal: options.signal });
    if (options.signal.aborted)
      throw new Failure({ step: "libraries", code: "stopped", message: "stopped before the libraries were downloaded" });
    if (ended.code !== 0) throw new Failure(explainUv(ended.stderr, requirements, target, options));
    // Libraries' programs name this machine's Python, and nothing calls them on a node.
    await rm(join(tree, "bin"), { recursive: true, force: true });
    await rm(join(tree, ".lock"), { force: true });
  });
}

/** https://docs.astral.sh/uv/reference/cli/#uv-pip-install */
function installWords({ python, platform }: PythonTarget, list: string, tree: string): string[] {
  return [
    ...["pip", "install", "--quiet", "--no-progress", "--color", "never", "--python", "python3", "--no-python-downloads"],
    ...["--target", tree, "--python-version", python, "--python-platform", platform],
    ...["--only-binary", ":all:", "--require-hashes", "--link-mode", "copy"],
    // A file's index doesn't matter when its hash is known.
    ...["--index-strategy", "unsafe-best-match", "--requirement", list],
  ];
}
