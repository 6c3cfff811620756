import { spawn, type ChildProcessByStdio } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";

/** What Python's configparser makes of a text: its sections, or the first line it refuses. */
export type PythonConfig = { config: Record<string, Record<string, string>> } | { refused: number };

/**
 * Pairs, not objects: V8 13.6 (Node 24) reads the key of {"a":0,"\u00c4":0} as a backslash, when it saw {"a":0,"\\":0} before.
 */
type Answer = { config: [section: string, [key: string, value: string][]][] } | { refused: number };

function toConfig(answer: Answer): PythonConfig {
  if ("refused" in answer) return answer;
  return { config: Object.fromEntries(answer.config.map(([section, pairs]) => [section, Object.fromEntries(pairs)])) };
}

/** One long-lived python3 that reads INI texts; a start for each of ten thousand would take minutes. */
export class ConfigParserOracle {
  readonly #python: ChildProcessByStdio<Writable, Readable, null>;
  readonly #waiting = new Map<number, { resolve: (answer: PythonConfig) => void; reject: (reason: Error) => void }>();
  #count = 0;

  constructor() {
    const script = fileURLToPath(new URL("configparser-oracle.py", import.meta.url));
    this.#python = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.#python.stdout }).on("line", (line) => {
      const [number, answer] = JSON.parse(line) as [number, Answer];
      this.#waiting.get(number)?.resolve(toConfig(answer));
      this.#waiting.delete(number);
    });
    this.#python.on("exit", (code) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`${script} ended with exit code ${String(code)}`));
    });
  }

  read(text: string): Promise<PythonConfig> {
    return new Promise((resolve, reject) => {
      const number = this.#count++;
      this.#waiting.set(number, { resolve, reject });
      // Escaped to ASCII: a lone surrogate has no UTF-8.
      const request = JSON.stringify([number, text]).replace(
        /[\u0080-\uffff]/g,
        (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
      );
      this.#python.stdin.write(`${request}\n`);
    });
  }

  close(): void {
    this.#python.stdin.end();
  }
}
