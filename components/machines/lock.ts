import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { MachineError } from "./machine-error.ts";

/**
 * Runs `action` while holding the lock on `file` (flock(1), so the kernel releases it when this process dies).
 * Fails when another process holds it longer than `waitSeconds`.
 */
export async function withLock<T>(file: string, waitSeconds: number, action: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true });
  // The holder ends when its stdin closes: we close it, or the kernel does when we are gone.
  const holder = spawn("flock", ["-w", String(waitSeconds), file, "sh", "-c", "echo held; exec cat >/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve, reject) => {
    holder.on("error", reject);
    holder.on("close", () => {
      resolve();
    });
  });
  const held = new Promise<boolean>((resolve) =>
    holder.stdout.once("data", () => {
      resolve(true);
    }),
  );
  if (!(await Promise.race([held, ended.then(() => false)])))
    throw new MachineError(
      `waited ${waitSeconds} s for the lock ${file}: another command is still running`,
      "wait for it to end, then run this again",
    );
  try {
    return await action();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
