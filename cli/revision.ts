import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askGit } from "./git.ts";
import { storedFiles, writeStored } from "./stored-files.ts";
import { UserError } from "./user-error.ts";

/** The commit that a revision means. */
export function commitOf(root: string, revision: string): string {
  const found = tryGit(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]);
  if (found !== undefined) return found;
  checkGit(root);
  throw new UserError(
    `${revision} is not a revision of this repository`,
    "name a branch, a tag or a commit that git knows here",
    2,
  );
}

/** @throws UserError in git's own words when it has nothing to do with this directory, such as one of another owner */
export function checkGit(root: string): void {
  const run = spawnSync("git", ["-C", root, "rev-parse", "--git-dir"], { encoding: "utf8" });
  if (run.error !== undefined) throw new UserError(`git can't be run: ${run.error.message}`, "install git");
  if (run.status === 0) return;
  const [first = "", ...rest] = run.stderr
    .trim()
    .replace(/^fatal: /, "")
    .split("\n");
  const command = rest.map((line) => line.trim()).find((line) => line.startsWith("git config "));
  throw new UserError(`git refuses ${root}: ${first}`, command ?? "run this in a clone of the project", 2);
}

/** Where the current work branched off the default branch; undefined when git knows none. */
export function mergeBase(root: string): string | undefined {
  const remote = tryGit(root, ["symbolic-ref", "--quiet", "refs/remotes/origin/HEAD"]);
  const branches = [...(remote === undefined ? [] : [remote]), "origin/main", "origin/master", "main", "master"];
  for (const branch of branches) {
    const base = tryGit(root, ["merge-base", "HEAD", branch]);
    if (base !== undefined) return base;
  }
  return undefined;
}

/** What Pulumi runs of a stack's program: what else may differ changes nothing that a preview shows. */
const rendering = ["components/", "stacks/index.ts", "stacks/program.ts", "Pulumi.yaml", "package.json", "package-lock.json"];

/** Directories of what a deployment runs, by hand or in CI. */
const programDirectories = ["cli", "components", "docs/ci", "node_modules", "scripts", "stacks", "tools"];

/** Files beside them that nothing runs or reads on the way to a node: texts, and settings of checks. */
const inert =
  /^(?:[^/]+\.md|LICENSE|\.gitignore|\.prettierignore|\.prettierrc\.json|eslint\.config\.js|knip\.json|tsconfig\.json|vitest\.config\.ts)$/;

/**
 * Whether a file belongs to the program: everything that git, npm, Pulumi or a CI service may find by its name, and all that a deployment
 * runs. Of what is left, apps and environments are compared themselves, and no program of the base reads anything else.
 */
function isOfProgram(file: string): boolean {
  if (/^stacks\/[^/]+\.yaml$/.test(file)) return false;
  // A head is compared by the bytes that git keeps: what a clone would have, only they decide.
  if (file.endsWith("/.gitattributes")) return true;
  if (!file.includes("/")) return !inert.test(file);
  return file.startsWith(".") || isAmong(file);
}

const isAmong = (file: string): boolean => programDirectories.some((directory) => file.startsWith(`${directory}/`));

/**
 * Files of the program itself that changed since a commit.
 * @param head up to another one. Default: to the files here
 */
export function changedProgram(root: string, commit: string, head?: string): string[] {
  const commits = head === undefined ? [commit] : [commit, head];
  // A renamed file counts under both names, and a submodule whatever .gitmodules says of it.
  const words = ["diff", "--name-only", "-z", "--no-renames", "--ignore-submodules=none", ...commits, "--"];
  const folder = git(root, ["rev-parse", "--show-prefix"]);
  // Beside the project's folder only what git and CI services find by its name matters.
  const tracked = names(git(root, words)).flatMap((file) =>
    file.startsWith(folder) ? [file.slice(folder.length)] : file.startsWith(".") ? [file] : [],
  );
  const untracked = head === undefined ? names(git(root, ["ls-files", "-z", "--others", "--exclude-standard"])) : [];
  // What git does not have yet may be anybody's notes, unless it stands among the program.
  return [...tracked, ...untracked.filter((file) => isAmong(file) || rendering.includes(file))].filter(isOfProgram);
}

/** The files of the program that decide what Pulumi runs. */
export function renderingOf(files: readonly string[]): string[] {
  return files.filter((file) => rendering.some((part) => (part.endsWith("/") ? file.startsWith(part) : file === part)));
}

/** The parts that files of the program belong to, a directory by its first name: `components/`. */
export function partsOfProgram(files: readonly string[]): string[] {
  const parts = files.map((file) => {
    const known = programDirectories.find((directory) => file.startsWith(`${directory}/`));
    const part = /^stacks\/|^[^/]+$|\/\.gitattributes$/.test(file) ? file : `${known ?? file.split("/")[0] ?? ""}/`;
    // It stands in the first line of a comment, where a stranger's text would be Markdown.
    return /^[\w./-]+$/.test(part) ? part : "a file with an odd name";
  });
  return [...new Set(parts)];
}

const names = (text: string): string[] => text.split("\0").filter((name) => name !== "");

/** The last commits up to one that changed a directory of the project, newest first. */
export function commitsOf(root: string, commit: string, directory: string, most: number): string[] {
  const found = git(root, ["log", `--max-count=${most}`, "--format=%H", commit, "--", directory]);
  return found.split("\n").filter((line) => line !== "");
}

/** Which files of a commit, and with which bytes. */
interface FilesOf {
  /** One directory of the project, empty where the commit has none. Default: all of it. */
  only?: string;
  /** As git keeps them, like those of a head that was taken. Default: as a checkout would write them. */
  asStored?: boolean;
}

/** Gives `use` a directory with the files of a commit. Leaves the checkout itself, its index and its worktrees alone. */
export function withFilesOf<T>(
  root: string,
  commit: string,
  use: (directory: string) => T,
  { only, asStored = false }: FilesOf = {},
): T {
  const directory = mkdtempSync(join(tmpdir(), "silver-revision-"));
  const files = join(directory, "files");
  try {
    // The project may be a folder inside its repository.
    const folder = git(root, ["rev-parse", "--show-prefix"]).replace(/\/$/, "");
    const path = [folder, only ?? ""].filter((part) => part !== "").join("/");
    const tree = path === "" ? commit : `${commit}:${path}`;
    // A commit may have removed it.
    if (only === undefined || tryGit(root, ["cat-file", "-e", tree]) !== undefined) {
      if (asStored) writeStored(root, storedFiles(root, tree), join(files, only ?? ""));
      else {
        // By the commit's own .gitattributes: git takes them from files first, and from the index where there are none.
        const empty = join(directory, "empty");
        mkdirSync(empty);
        const environment = {
          ...process.env,
          GIT_DIR: git(root, ["rev-parse", "--absolute-git-dir"]),
          GIT_WORK_TREE: empty,
          GIT_INDEX_FILE: join(directory, "index"),
        };
        git(empty, ["read-tree", ...(only === undefined ? [] : [`--prefix=${only}/`]), tree], environment);
        git(empty, ["checkout-index", "--all", `--prefix=${files}/`], environment);
      }
    }
    return use(files);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function git(root: string, words: readonly string[], environment = process.env): string {
  return askGit(root, words, { environment }).toString().trim();
}

function tryGit(root: string, words: readonly string[]): string | undefined {
  const run = spawnSync("git", ["-C", root, ...words], { encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : undefined;
}
