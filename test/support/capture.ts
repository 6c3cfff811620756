import { spawn, type SpawnOptions } from "node:child_process";

/** How a program ended, and what it printed on both streams, in their order. */
export interface Captured {
  /** null where a signal ended it. */
  code: number | null;
  output: string;
}

/**
 * Runs a program without stdin to its end.
 * @throws Error when it can't be started
 */
export function capture(
  program: string,
  words: readonly string[],
  options: Pick<SpawnOptions, "cwd" | "env"> = {},
): Promise<Captured> {
  return new Promise((done, failed) => {
    const child = spawn(program, words, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (text: Buffer) => (output += text.toString());
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", failed);
    child.on("close", (code) => {
      done({ code, output });
    });
  });
}
