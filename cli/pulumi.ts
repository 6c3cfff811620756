import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { UserError } from "./user-error.ts";

/** The project this command belongs to: the directory with stacks/ and apps/. */
export const root = join(import.meta.dirname, "..");

/** Runs `pulumi` with this terminal as its own; returns the exit code. */
export function runPulumi(words: readonly string[]): number {
  const run = spawnSync("pulumi", words, { cwd: root, stdio: "inherit" });
  if (run.error !== undefined) throw notFound(run.error);
  return run.status ?? 1;
}

/** What `pulumi … --json` prints. */
export function askPulumi(words: readonly string[]): unknown {
  const run = spawnSync("pulumi", [...words, "--json", "--non-interactive"], { cwd: root, encoding: "utf8" });
  if (run.error !== undefined) throw notFound(run.error);
  if (run.status !== 0) throw new UserError(`pulumi ${words.join(" ")} failed: ${run.stderr.trim()}`);
  return JSON.parse(run.stdout);
}

/** The arguments that name a stack; none for the selected one. */
export const stackWords = (environment: string | undefined): string[] =>
  environment === undefined ? [] : ["--stack", environment];

/** The environment: the named one, or the selected stack's. */
export function environmentName(named: string | undefined): string {
  if (named !== undefined) return named;
  const stacks = askPulumi(["stack", "ls"]) as { name: string; current: boolean }[];
  const current = stacks
    .find((stack) => stack.current)
    ?.name.split("/")
    .at(-1);
  if (current === undefined) throw new UserError("no stack is selected", "name one: -e dev", 2);
  return current;
}

/** The error when `pulumi` can't be started. */
export function notFound(error: NodeJS.ErrnoException): UserError {
  const why = error.code === "ENOENT" ? "pulumi is not on PATH" : `pulumi can't be run: ${error.message}`;
  return new UserError(why, 'in this shell, run: eval "$(sh scripts/env.sh)"');
}
