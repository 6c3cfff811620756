import { existsSync, globSync, readFileSync, rmSync } from "node:fs";
import { homedir, hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { askPulumi, environmentName, root } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

/** Pulumi's lock on a stack whose state is kept in a directory. */
const lockSchema = z.object({ pid: z.number(), username: z.string(), hostname: z.string(), timestamp: z.string() });
type Lock = z.infer<typeof lockSchema> & { file: string };

const stateSchema = z.object({
  checkpoint: z.object({
    latest: z.object({
      pending_operations: z.array(z.object({ resource: z.object({ urn: z.string() }) })).default([]),
    }),
  }),
});

/** Milliseconds between two looks at a lock. */
const interval = 500;

/**
 * Waits until no run of this machine works on a stack. Takes away the lock of one that was killed, and says what it left unfinished.
 * Only a state in a directory (`file://`) is looked at: of any other, `pulumi` itself says who has locked it.
 *
 * @param named the environment; undefined: the selected stack's
 * @param say prints one line
 * @throws UserError when the lock is another machine's, whose processes can't be seen
 */
export async function awaitLocks(named: string | undefined, say: (line: string) => void): Promise<void> {
  const state = stateDirectory();
  if (state === undefined || !existsSync(join(state, ".pulumi"))) return;
  const [, project = ""] = /^name:\s*(\S+)/m.exec(readFileSync(join(root, "Pulumi.yaml"), "utf8")) ?? [];
  const stack = environmentName(named);
  const told = new Set<string>();
  for (;;) {
    const locks = locksBelow(join(state, ".pulumi/locks/organization", project, stack));
    const left = locks.filter((lock) => !clearDead(lock, stack, say));
    if (left.length === 0) break;
    for (const lock of left.filter(({ file }) => !told.has(file))) {
      told.add(lock.file);
      say(`${stack}: ${holder(lock)} is at work; waiting for its end`);
    }
    await pause(interval);
  }
  const pending = pendingOperations(join(state, ".pulumi/stacks", project, `${stack}.json`));
  if (pending.length > 0)
    say(
      `${stack}: an earlier run was killed while it worked on ${pending.join(", ")}. This one does that again; ` +
        `Pulumi's warning about it ends with: pulumi refresh --yes --clear-pending-creates --stack ${stack}`,
    );
}

/** Where the state is kept; undefined when that is no directory. */
function stateDirectory(): string | undefined {
  const set = process.env.PULUMI_BACKEND_URL ?? "";
  const url = set === "" ? z.object({ url: z.string() }).parse(askPulumi(["whoami", "--verbose"])).url : set;
  const [, path] = /^file:\/\/([^?]*)/.exec(url) ?? [];
  return path === undefined ? undefined : resolve(root, path.replace(/^~(?=\/|$)/, homedir()));
}

/** A file that another run has just removed, or not yet written whole, is no lock. */
function locksBelow(directory: string): Lock[] {
  return globSync("*.json", { cwd: directory }).flatMap((name) => {
    const file = join(directory, name);
    const parsed = lockSchema.safeParse(readJson(file));
    return parsed.success ? [{ ...parsed.data, file }] : [];
  });
}

/** Removes a lock whose process is gone. False: it is held. */
function clearDead(lock: Lock, stack: string, say: (line: string) => void): boolean {
  if (lock.hostname !== hostname())
    throw new UserError(
      `${stack} is locked by ${holder(lock)}: whether it still runs can't be seen from here`,
      `wait for its end; if it was killed: pulumi cancel --stack ${stack}`,
    );
  if (isEngine(lock.pid)) return false;
  for (const file of [lock.file, `${lock.file}.attrs`]) rmSync(file, { force: true });
  say(`${stack} was locked by ${holder(lock)}, which is gone: unlocked`);
  return true;
}

function holder({ username, hostname: host, pid, timestamp }: Lock): string {
  return `a run of ${username}@${host} (process ${pid}, since ${timestamp.slice(0, 16)})`;
}

/** Whether a process is Pulumi's engine. The number of one that is gone may be another program's by now. */
function isEngine(pid: number): boolean {
  if (!existsSync("/proc/self/stat")) return isAlive(pid);
  try {
    // `PID (NAME) STATE …`; Z is one that has ended, and that its parent has not asked about.
    const [, name = "", state] = /^\d+ \(([^]*)\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, "utf8")) ?? [];
    return name.includes("pulumi") && state !== "Z";
  } catch {
    // It has ended, or the system hides the processes of others.
    return isAlive(pid);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Names of the resources whose operation a killed run began. */
function pendingOperations(file: string): string[] {
  const parsed = stateSchema.safeParse(readJson(file));
  const urns = parsed.success ? parsed.data.checkpoint.latest.pending_operations.map(({ resource }) => resource.urn) : [];
  return urns.map((urn) => urn.split("::").at(-1) ?? urn);
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return undefined;
  }
}
