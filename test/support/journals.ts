/** What nodes of tests logged. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clone } from "../../components/machines/clone.ts";
import { listNodes } from "../../components/machines/local-machine.ts";
import { filesOf } from "../../components/machines/node-disk.ts";
import { runCommand } from "../../components/machines/run-command.ts";

const clones = new Set<Clone>();

/** From now on, nodes of this clone are asked. */
export function tellJournalsOf(clone: Clone): void {
  clones.add(clone);
}

/** Prints what they logged last. */
export async function tellJournals(): Promise<void> {
  for (const clone of clones) await printJournals(clone);
}

const shownLines = 150;
/** Each command of a test is a session of SSH. */
const ofSessions = / (?:sshd|systemd-logind|\(systemd\)|sshd-session)\[\d+\]:|session-c?\d+\.scope|user@0\.service|user-0\.slice/;

async function printJournals(clone: Clone): Promise<void> {
  for (const machine of await listNodes(clone)) {
    const files = filesOf(clone, machine.name);
    const words = ["journalctl", `--directory=${join(files.root, "var/log/journal")}`, "--no-pager", "--lines=2000"];
    const lines = (await runCommand(words)).stdout.split("\n").filter((line) => !ofSessions.test(line));
    const boot = await readFile(files.console, "utf8").catch(() => "");
    const said = lines.length > 1 ? lines.slice(-shownLines).join("\n") : boot;
    console.error(`--- journal of ${machine.name} (${machine.running ? "running" : "standing still"})\n${said}---`);
  }
}
