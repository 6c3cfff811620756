// Takes what a pull request may change out of its head, for docs/ci: only data, which the program of the base reads.
import { spawnSync } from "node:child_process";
import { globSync, rmSync } from "node:fs";
import { join } from "node:path";
import { resolveLink } from "../components/bundle/resolve-link.ts";
import { loadEnvironment } from "../components/plan/load.ts";

/** Directories of the program. If a pull request could name one as an app or a configuration, its own code would run. */
const program = ["bench", "cli", "components", "docs", "node_modules", "scripts", "stacks", "test", "tools"];

interface Entry {
  path: string;
  /** As git has it: 120000 is a link, 160000 a submodule. */
  mode: string;
}

const root = process.cwd();
const commit = git(["rev-parse", "--verify", "--end-of-options", `${process.argv[2] ?? ""}^{commit}`]).trim();
const head = listTree(commit);
const files = new Set(listTree("HEAD").map(({ path }) => path.toLowerCase()));

const stacks = head.filter(({ path }) => isWithin("stacks", path));
const environments = stacks.filter(({ path }) => /^stacks\/[^/]+\.yaml$/.test(path));
refuse("a link among the environments", stacks.filter(isLink));
take(globSync("stacks/*.yaml", { cwd: root }), environments);
takeDirectory("apps");
for (const directory of named()) takeDirectory(directory);

/** Directories outside of apps/ that an environment names. */
function named(): string[] {
  const names = environments.flatMap(({ path }) => /^stacks\/(?!Pulumi\.|base\.)(.+)\.yaml$/.exec(path)?.[1] ?? []);
  // One that can't be read names nothing; whoever plans it says what is wrong.
  const sites = names.flatMap((name) => Object.values(loadEnvironment(root, name).value?.sites ?? {}));
  const all = new Set(
    sites.flatMap(({ app, configDirectory }) => [app, ...(configDirectory === undefined ? [] : [configDirectory])]),
  );
  return [...all].filter((directory) => !isWithin("apps", directory)).sort();
}

/** A directory with all that is below it, whose links stay inside it. */
function takeDirectory(directory: string): void {
  const top = (directory.split("/")[0] ?? "").toLowerCase();
  if (program.includes(top) || top.startsWith(".") || files.has(top)) fail(`${directory}, which belongs to the program`);
  const found = head.filter(({ path }) => isWithin(directory, path));
  take([directory], found);
  const leaves = ({ path }: Entry) =>
    path === directory || resolveLink(join(root, directory), path.slice(directory.length + 1)) === "outside";
  const leaving = found.filter((entry) => isLink(entry) && leaves(entry));
  if (leaving.length > 0) rmSync(join(root, directory), { recursive: true });
  refuse(`a link that leads out of ${directory}/`, leaving);
}

/** Replaces files of this checkout by those of the head. */
function take(replaced: readonly string[], found: readonly Entry[]): void {
  refuse(
    "a submodule",
    found.filter(({ mode }) => mode === "160000"),
  );
  for (const path of replaced) rmSync(join(root, path), { recursive: true, force: true });
  // An index of its own: this checkout's still says what the base has.
  const index = join(git(["rev-parse", "--absolute-git-dir"]).trim(), "silver-head-index");
  try {
    git(["read-tree", commit], "", index);
    git(["checkout-index", "-f", "-z", "--stdin"], found.map(({ path }) => `${path}\0`).join(""), index);
  } finally {
    rmSync(index, { force: true });
  }
}

function listTree(revision: string): Entry[] {
  return git(["ls-tree", "-r", "-z", revision])
    .split("\0")
    .flatMap((line) => {
      const [, mode, path] = /^(\d+) \w+ \w+\t([^]+)$/.exec(line) ?? [];
      return mode === undefined || path === undefined ? [] : [{ mode, path }];
    });
}

function isLink({ mode }: Entry): boolean {
  return mode === "120000";
}

function isWithin(directory: string, path: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function refuse(what: string, found: readonly Entry[]): void {
  if (found.length > 0) fail(found.map(({ path }) => `${JSON.stringify(path)}, ${what}`).join("; "));
}

function fail(what: string): never {
  console.error(`✗ not taken from a pull request: ${what}`);
  process.exit(1);
}

function git(words: readonly string[], input = "", index?: string): string {
  const env = index === undefined ? process.env : { ...process.env, GIT_INDEX_FILE: index };
  const run = spawnSync("git", words, { cwd: root, encoding: "utf8", input, env, maxBuffer: 2 ** 28 });
  if (run.status !== 0) fail(`git ${words[0] ?? ""} failed: ${run.error?.message ?? run.stderr.trim()}`);
  return run.stdout;
}
