// Takes what a pull request may change out of its head, for docs/ci: only data, which the program of the base reads. What is refused
// leaves the checkout as it was.
import { globSync, lstatSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { orComment } from "../cli/not-planned.ts";
import { askGit } from "../cli/git.ts";
import { commitOf } from "../cli/revision.ts";
import { isNameSafe, storedFiles, writeStored, type StoredFile } from "../cli/stored-files.ts";
import { UserError } from "../cli/user-error.ts";
import { resolveLink } from "../components/bundle/resolve-link.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import { printableLines } from "../components/text/printable.ts";

/** Directories of the program. If a pull request could name one as an app or a configuration, its own code would run. */
const program = ["bench", "cli", "components", "docs", "node_modules", "scripts", "stacks", "test", "tools"];
const whatIsTaken =
  "it brings apps/, stacks/*.yaml and directories of their own that these name: as files, and as links that stay inside";

const root = process.cwd();
const [revision = "", environment] = process.argv.slice(2);
try {
  orComment(environment !== undefined, environment, () => {
    takeHead(commitOf(root, revision));
  });
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  const lines = [`✗ ${error.message}`, ...(error.fix === undefined ? [] : [`  ${error.fix}`])];
  console.error(lines.flatMap(printableLines).join("\n"));
  process.exitCode = error.exitCode;
}

function takeHead(commit: string): void {
  const staged = mkdtempSync(join(gitSays("--absolute-git-dir"), "silver-head-"));
  try {
    const head = filesOf(commit);
    const environments = stageEnvironments(head, staged);
    const directories = stageDirectories(head, environments, staged);
    for (const path of globSync("stacks/*.yaml", { cwd: root })) rmSync(join(root, path), { recursive: true });
    for (const path of [...environments, ...directories]) replace(path, staged);
  } finally {
    rmSync(staged, { recursive: true });
  }
}

/** Files of the project, which may be a folder inside its repository. */
function filesOf(commit: string): StoredFile[] {
  return storedFiles(root, `${commit}:${gitSays("--show-prefix")}`);
}

function gitSays(word: string): string {
  return askGit(root, ["rev-parse", word]).toString().trim();
}

/** Writes the environments where they are read first; returns their paths. */
function stageEnvironments(head: readonly StoredFile[], staged: string): string[] {
  const stacks = head.filter(({ path }) => isWithin("stacks", path));
  const found = stacks.filter(({ path }) => /^stacks\/[^/]+\.yaml$/.test(path));
  refuse([
    ...stacks.flatMap((file) => (file.kind === "link" ? named(file, "a link among the environments") : [])),
    ...found.flatMap(unfit),
  ]);
  writeStored(root, found, staged);
  return found.map(({ path }) => path);
}

/** Writes apps/ and the directories that environments name where they are judged first; returns their paths. */
function stageDirectories(head: readonly StoredFile[], environments: readonly string[], staged: string): string[] {
  const files = new Set(filesOf("HEAD").map(({ path }) => path.toLowerCase()));
  const isProgram = (directory: string) => {
    const top = (directory.split("/")[0] ?? "").toLowerCase();
    return program.includes(top) || top.startsWith(".") || files.has(top);
  };
  const all = ["apps", ...directoriesOf(environments, staged)];
  const outermost = all.filter((one) => !all.some((other) => other !== one && isWithin(other, one)));
  const refused = outermost.filter(isProgram).map((directory) => `${JSON.stringify(directory)}, which belongs to the program`);
  const directories = outermost.filter((directory) => !isProgram(directory));
  const found = directories.map((directory) => head.filter(({ path }) => isWithin(directory, path)));
  const parents = new Set(found.flat().flatMap(({ path }) => parentsOf(path)));
  // Only a tree that was made by hand has a file that is a directory, too.
  const why = (file: StoredFile) => (parents.has(file.path) ? named(file, "which is a directory, too") : unfit(file));
  refused.push(...found.flat().flatMap(why));
  const fit = found.flat().filter((file) => why(file).length === 0);
  writeStored(root, fit, staged);
  directories.forEach((directory, index) => {
    const leaves = ({ kind, path }: StoredFile) =>
      kind === "link" &&
      (path === directory || resolveLink(join(staged, directory), path.slice(directory.length + 1)) === "outside");
    for (const file of found[index] ?? [])
      if (leaves(file)) refused.push(...named(file, `a link that leads out of ${directory}/`));
  });
  refuse(refused);
  return directories;
}

/** Directories that the environments name. */
function directoriesOf(environments: readonly string[], staged: string): string[] {
  const names = environments.flatMap((path) => /^stacks\/(?!Pulumi\.|base\.)(.+)\.yaml$/.exec(path)?.[1] ?? []);
  // One that can't be read names nothing; whoever plans it says what is wrong.
  const sites = names.flatMap((name) => Object.values(loadEnvironment(staged, name).value?.sites ?? {}));
  return [...new Set(sites.flatMap(({ app, configDirectory }) => [app, configDirectory ?? app]))].sort();
}

/** Puts what was staged where the checkout has the base's. */
function replace(path: string, staged: string): void {
  for (const at of parentsOf(path).map((parent) => join(root, parent))) {
    // A link on the way would lead elsewhere.
    if (lstatSync(at, { throwIfNoEntry: false })?.isDirectory() === false) rmSync(at);
  }
  rmSync(join(root, path), { recursive: true, force: true });
  if (lstatSync(join(staged, path), { throwIfNoEntry: false }) === undefined) return;
  mkdirSync(dirname(join(root, path)), { recursive: true });
  renameSync(join(staged, path), join(root, path));
}

/** Why a file is not taken, whatever it holds. */
function unfit(file: StoredFile): string[] {
  if (file.kind === "submodule") return named(file, "a submodule");
  return isNameSafe(file) ? [] : named(file, "a name that no app may have");
}

function named({ path }: StoredFile, what: string): string[] {
  return [`${JSON.stringify(path)}, ${what}`];
}

/** Directories on the way to a path, the outermost first. */
function parentsOf(path: string): string[] {
  const parts = path.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}

function isWithin(directory: string, path: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

function refuse(found: readonly string[]): void {
  const lines = found.map((what) => `not taken from a pull request: ${what}`);
  if (lines.length > 0) throw new UserError(lines.join("\n"), whatIsTaken);
}
