/**
 * Nodes for the rollout's tests: each is a directory with the real agent, on a machine made up by fake-node.py. Sessions with it go
 * through the faults of faults.ts.
 */
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import type { Channel, Exit } from "../../components/rollout/channel.ts";
import { carry } from "./faults.ts";
import type { Line } from "./faults.ts";
import { inOwnNetwork } from "./own-network.ts";

/** What a session finds on the way to its node. */
export interface Way extends Omit<Line, "onCall"> {
  /** Sessions that find nobody from now on; -1: all of them. */
  unreachable: number;
}

const plainWay = (): Way => ({ faults: [], gate: null, hello: {}, unreachable: 0 });

const program = resolve(import.meta.dirname, "fake-node.py");
/** Memory where there is any: an agent syncs whatever it writes. */
const memory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

export class FakeNode {
  /** Every verb asked since the way was last laid. */
  readonly calls: string[] = [];
  readonly root: string;
  way: Way = plainWay();
  readonly #process: ChildProcess;

  constructor(root: string, process: ChildProcess) {
    this.root = root;
    this.#process = process;
  }

  /** Starts one, with nothing on it. Its network is its own: any address may be taken there. */
  static async boot(): Promise<FakeNode> {
    const root = mkdtempSync(join(memory, "silver-node-"));
    const [starter, ...words] = inOwnNetwork(["python3", program, root]);
    const started = spawn(starter, words, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    });
    const ended = once(started, "exit").then(() => {
      throw new Error("a fake node ended as it began: see above");
    });
    await Promise.race([once(started.stdout, "data"), ended]);
    return new FakeNode(root, started);
  }

  /** Takes it away; safe to call again. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.stdin?.end();
    await ended;
    rmSync(this.root, { recursive: true, force: true });
  }

  /** From now on this is what stands between it and its drivers. */
  lay(way: Partial<Way>): void {
    this.way = { ...plainWay(), ...way };
    this.calls.length = 0;
    writeFileSync(join(this.root, "way.json"), JSON.stringify(this.way));
    writeFileSync(join(this.root, "calls"), "");
  }

  /** Every verb asked by other processes since then, by faulty-session.ts. */
  callsOfOthers(): string[] {
    return readFileSync(join(this.root, "calls"), "utf8").split("\n");
  }

  /** A session with its agent. */
  channel(): Channel {
    const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()];
    const { promise: exited, resolve } = Promise.withResolvers<Exit>();
    const end = (code: number) => (): void => {
      stdout.end();
      stderr.end();
      // As with a process: told after all that it wrote was read.
      setImmediate(() => {
        resolve({ code, signal: null });
      });
    };
    if (this.way.unreachable === 0) {
      const agent = createConnection(join(this.root, "door"));
      carry({ ...this.way, onCall: (call) => this.calls.push(call) }, agent, stdin, stdout, end(0));
    } else {
      this.way.unreachable -= 1;
      stderr.write("ssh: connect to host 10.0.0.1 port 22: Connection refused\n");
      end(255)();
    }
    return { stdin, stdout, stderr, exited, kill: () => stdin.destroy() };
  }

  /** Runs a program on its machine; returns what it printed. */
  async run(...argv: string[]): Promise<string> {
    const line = createConnection(join(this.root, "programs"));
    line.end(`${JSON.stringify({ argv })}\n`);
    const { code, out, err } = JSON.parse(await text(line)) as { code: number; out: string; err: string };
    if (code !== 0) throw new Error(`${argv.join(" ")}: ${err}`);
    return out;
  }

  /** The release that its visitors get, which is what its state says; null for none. */
  async live(): Promise<string | null> {
    const { live = null } = this.#json("state.json") as { live?: string | null };
    const answer = await this.run("visit", "/health");
    const served = /^\d+ hello (\S+)$/.exec(answer)?.[1] ?? null;
    if (served !== live) throw new Error(`its state says ${String(live)}, and a visitor got ${answer}`);
    return live;
  }

  /** How the rollouts on it ended, the first one first. */
  verdicts(): { verdict: string; reason: string | null }[] {
    return this.#text("history.jsonl")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as { verdict: string; reason: string | null });
  }

  /** What a rollout left under way, and who holds the lease: nothing and nobody, once it has ended. */
  underWay(): { journal: unknown; holder: unknown } {
    const lease = join(this.root, "var/lib/silver/leases/hello.json");
    const { holder } = existsSync(lease) ? (JSON.parse(readFileSync(lease, "utf8")) as { holder: unknown }) : { holder: null };
    return { journal: existsSync(this.#path("journal.json")), holder };
  }

  #path(name: string): string {
    return join(this.root, "srv/silver/hello", name);
  }

  #text(name: string): string {
    return existsSync(this.#path(name)) ? readFileSync(this.#path(name), "utf8") : "";
  }

  #json(name: string): unknown {
    return JSON.parse(this.#text(name) || "{}");
  }
}
