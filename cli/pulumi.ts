import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { z } from "zod";
import { environmentNames, noEnvironment } from "../components/plan/environment-names.ts";
import { UserError } from "./user-error.ts";

/** The project this command belongs to: the directory with stacks/ and apps/. */
export const root = join(import.meta.dirname, "..");

/**
 * Runs `pulumi` with this terminal as its own; returns the exit code.
 * @param output where its stdout goes: stderr, where stdout is for a program
 * @param environment more variables for it. Default: none
 */
export function runPulumi(words: readonly string[], output: "stdout" | "stderr", environment: NodeJS.ProcessEnv = {}): number {
  const run = spawnSync("pulumi", words, {
    cwd: root,
    stdio: ["inherit", output === "stdout" ? "inherit" : 2, "inherit"],
    env: { ...process.env, ...environment },
  });
  if (run.error !== undefined) throw notFound(run.error);
  return run.status ?? 1;
}

/** What `pulumi … --json` prints. */
export const askPulumi = (words: readonly string[]): unknown => printedBy([...words, "--json"]);

/**
 * The resources that Pulumi keeps of a stack, none for one where nothing was deployed.
 * @param resource what is read of each
 */
export function exportedResources<T>(environment: string, resource: z.ZodType<T>): T[] {
  const exported = z.object({ deployment: z.object({ resources: z.array(resource).default([]) }) });
  // The command has no `--json`: it prints nothing else.
  return exported.parse(printedBy(["stack", "export", "--stack", environment])).deployment.resources;
}

function printedBy(words: readonly string[]): unknown {
  // The state of twenty sites has some megabytes.
  const run = spawnSync("pulumi", [...words, "--non-interactive"], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 30 });
  if (run.error !== undefined) throw notFound(run.error);
  if (run.status !== 0) throw new UserError(`pulumi ${words.join(" ")} failed: ${run.stderr.trim()}`);
  return JSON.parse(run.stdout);
}

/**
 * The arguments that name a stack; none for the selected one.
 * @throws UserError when there is no such environment
 */
export const stackWords = (environment: string | undefined): string[] =>
  environment === undefined ? [] : ["--stack", existing(environment)];

/** @throws UserError that names the environments there are, before Pulumi is asked for one that is none */
function existing(environment: string): string {
  if (environmentNames(root).includes(environment)) return environment;
  const { message, fix } = noEnvironment(root, environment);
  throw new UserError(message, fix, 2);
}

/** The environment: the named one, or the selected stack's. */
export function environmentName(named: string | undefined): string {
  if (named !== undefined) return existing(named);
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
