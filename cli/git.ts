import { spawnSync } from "node:child_process";
import { UserError } from "./user-error.ts";

interface Asked {
  input?: string;
  /** Its variables. Default: those of this process. */
  environment?: NodeJS.ProcessEnv;
}

/**
 * What git prints, byte by byte.
 * @throws UserError in git's own words when it fails
 */
export function askGit(root: string, words: readonly string[], { input = "", environment = process.env }: Asked = {}): Buffer {
  const run = spawnSync("git", ["-C", root, ...words], { input, env: environment, maxBuffer: Infinity });
  if (run.error !== undefined) throw new UserError(`git can't be run: ${run.error.message}`, "install git");
  if (run.status !== 0) throw new UserError(`git ${words[0] ?? ""} failed: ${run.stderr.toString().trim()}`);
  return run.stdout;
}
