import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UserError } from "./user-error.ts";

/** The commit that a revision means. */
export function commitOf(root: string, revision: string): string {
  const found = tryGit(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`]);
  if (found !== undefined) return found;
  throw new UserError(
    `${revision} is not a revision of this repository`,
    "name a branch, a tag or a commit that git knows here",
    2,
  );
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

/** Files of the program itself that changed since a commit. */
export function changedProgram(root: string, commit: string): string[] {
  const parts = ["components", "stacks/index.ts", "stacks/program.ts", "package-lock.json"];
  const tracked = git(root, ["diff", "--name-only", "--relative", commit, "--", ...parts]);
  const untracked = git(root, ["ls-files", "--others", "--exclude-standard", "--", ...parts]);
  return `${tracked}\n${untracked}`.split("\n").filter((line) => line !== "");
}

/**
 * Gives `use` a directory with the files of a commit, as a checkout would write them. Leaves the checkout itself, its index and its
 * worktrees alone.
 */
export function withFilesOf<T>(root: string, commit: string, use: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "silver-revision-"));
  try {
    const environment = { ...process.env, GIT_INDEX_FILE: join(directory, "index") };
    // The project may be a folder inside its repository.
    const folder = git(root, ["rev-parse", "--show-prefix"]).replace(/\/$/, "");
    git(root, ["read-tree", folder === "" ? commit : `${commit}:${folder}`], environment);
    git(join(root), ["checkout-index", "--all", `--prefix=${directory}/files/`], environment);
    return use(join(directory, "files"));
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function git(root: string, words: readonly string[], environment = process.env): string {
  const run = spawnSync("git", ["-C", root, ...words], { encoding: "utf8", env: environment, maxBuffer: 2 ** 28 });
  if (run.error !== undefined) throw new UserError(`git can't be run: ${run.error.message}`, "install git");
  if (run.status !== 0) throw new UserError(`git ${words[0] ?? ""} failed: ${run.stderr.trim()}`);
  return run.stdout.trim();
}

function tryGit(root: string, words: readonly string[]): string | undefined {
  const run = spawnSync("git", ["-C", root, ...words], { encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim() : undefined;
}
