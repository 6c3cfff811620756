/**
 * `silver` as a process, with nodes that are there instead of Pulumi's state: a program in place of `pulumi` tells what the last `up`
 * declared.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import type { DeclaredNode } from "../../cli/nodes.ts";

const cli = resolve(import.meta.dirname, "../../cli/main.ts");

/** How a `silver` ended. */
interface Said {
  code: number | null;
  stdout: string;
  stderr: string;
}

export class SilverOn {
  readonly #directory = mkdtempSync(join(tmpdir(), "silver-on-"));
  readonly #env: NodeJS.ProcessEnv;

  /**
   * @param nodes by name
   * @param sites each with the names of its nodes
   * @param env more variables
   */
  constructor(nodes: Record<string, DeclaredNode>, sites: Record<string, string[]>, env: NodeJS.ProcessEnv = {}) {
    const outputs = {
      reach: nodes,
      sites: Object.fromEntries(Object.entries(sites).map(([site, names]) => [site, { nodes: names, urls: [] }])),
    };
    writeFileSync(join(this.#directory, "outputs.json"), JSON.stringify(outputs));
    writeFileSync(join(this.#directory, "pulumi"), `#!/bin/sh\ncat ${this.#directory}/outputs.json\n`, { mode: 0o755 });
    const path = [this.#directory, env.PATH ?? process.env.PATH ?? ""].join(delimiter);
    this.#env = { ...process.env, ...env, PATH: path };
  }

  /** Starts it; the process can be interrupted, and `ended` waits for its end. */
  start(words: readonly string[], input = ""): { process: ChildProcess; ended: Promise<Said> } {
    return this.#start([process.execPath, cli, ...words], input);
  }

  /** Starts it in a terminal, where these lines are typed. */
  startInTerminal(words: readonly string[], lines: string): { process: ChildProcess; ended: Promise<Said> } {
    const quoted = [process.execPath, cli, ...words].map((word) => `'${word}'`).join(" ");
    return this.#start(["script", "--quiet", "--flush", "--return", "--command", quoted, "/dev/null"], lines);
  }

  run(words: readonly string[], input = ""): Promise<Said> {
    return this.start(words, input).ended;
  }

  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #start([program = "", ...words]: readonly string[], input: string): { process: ChildProcess; ended: Promise<Said> } {
    const child = spawn(program, words, { env: this.#env, stdio: "pipe" });
    child.stdin.end(input);
    const all = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
    return { process: child, ended: all.then(([stdout, stderr]) => ({ code: child.exitCode, stdout, stderr })) };
  }
}
