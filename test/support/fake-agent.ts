import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import type { Readable, Writable } from "node:stream";
import { protocol } from "../../components/node/contract.ts";
import type { AgentError, SiteState, Verb } from "../../components/node/contract.ts";
import type { Channel, Exit } from "../../components/rollout/channel.ts";

/** What goes wrong when a verb is asked: an agent's error, a check that isn't ok, a death before or after the work, an answer not to be read. */
export interface Fault {
  verb: Verb;
  /** Only a check by this way, or a flip that is (`last`) or isn't (`not-last`) the last. */
  on?: "direct" | "varnish" | "last" | "not-last";
  kind: AgentError["code"] | "not-ok" | "die-before" | "die-after" | "nonsense" | "hang";
  /** How often it happens. Default: once. */
  times?: number;
}

/** The answer to `verb` waits until the file is there, so that a test can do something meanwhile. */
export interface Gate {
  verb: Verb;
  file: string;
}

/** What a node remembers from one session to the next. */
export interface FakeNode {
  live: string | null;
  previous: string | null;
  serial: number;
  token: number;
  holder: { who: string; pid: number; release: string; since: string } | null;
  /** A rollout under way. */
  journal: { release: string; before: string | null; prepared: boolean; flipped: boolean; cutOver: boolean } | null;
  /** Every verb asked, in order: `flip`, `flip last`, `check direct` … and what the agent did by itself: `(undo)`, `(finish)`. */
  calls: string[];
  verdicts: string[];
  faults: Fault[];
  gate: Gate | null;
  /** Sessions that find nobody from now on; -1: all of them. */
  unreachable: number;
  /** Directory an upload goes to; null: the bundle is there. */
  directory: string | null;
  secrets: Record<string, string>;
  /** What it has lost of its live release, put right by the next prepare. */
  lost: { what: string; why: string }[];
  protocol: number;
  releases: SiteState["releases"];
}

export const fakeNode = (settings: Partial<FakeNode> = {}): FakeNode => ({
  live: null,
  previous: null,
  serial: 0,
  token: 0,
  holder: null,
  journal: null,
  calls: [],
  verdicts: [],
  faults: [],
  gate: null,
  unreachable: 0,
  directory: "/nowhere",
  secrets: {},
  lost: [],
  protocol,
  releases: [],
  ...settings,
});

type Reply = { result: unknown } | { error: AgentError } | "die" | "hang";

/** One session of an agent that keeps the contract, without a node: what it would do to one is noted in its memory. */
class FakeSession {
  readonly #node: FakeNode;
  readonly #site: string;
  #leased = false;

  constructor(node: FakeNode, site: string) {
    this.#node = node;
    this.#site = site;
  }

  answer(verb: Verb, args: Record<string, unknown>): Reply {
    const node = this.#node;
    const detail =
      verb === "check" ? String(args.through) : verb === "flip" ? (args.last === true ? "last" : "not-last") : undefined;
    if (verb !== "ping") node.calls.push(detail === undefined ? verb : `${verb} ${detail}`);
    const fault = node.faults.find(
      (each) => each.verb === verb && (each.on === undefined || each.on === detail) && (each.times ?? 1) > 0,
    );
    if (fault !== undefined) fault.times = (fault.times ?? 1) - 1;
    if (fault?.kind === "die-before") return "die";
    if (fault?.kind === "hang") return "hang";
    if (fault?.kind === "nonsense") return { result: { nonsense: true } };
    if (fault?.kind === "not-ok") return { result: answered(false) };
    if (fault !== undefined && fault.kind !== "die-after") return { error: error(fault.kind, `${verb} failed`) };
    const reply = this.#work(verb, args);
    return fault?.kind === "die-after" ? "die" : reply;
  }

  /** The driver is gone: the agent's own two decisions. */
  end(): void {
    if (!this.#leased) return;
    recover(this.#node);
    this.#node.holder = null;
    this.#leased = false;
  }

  #work(verb: Verb, args: Record<string, unknown>): Reply {
    const node = this.#node;
    if ("token" in args && (!this.#leased || args.token !== node.token))
      return { error: error("lease-lost", "the lease is another's") };
    switch (verb) {
      case "hello":
        return {
          result: { protocol: node.protocol, agent: "0", os: "debian-13", machineId: "m", bootId: "b", python: "3.13.5" },
        };
      case "lease": {
        if (node.holder !== null)
          return { error: { ...error("leased", `${this.#site} is being rolled out`), holder: node.holder } };
        const recovered = recover(node);
        this.#leased = true;
        node.token += 1;
        node.holder = {
          who: String(args.who),
          pid: Number(args.pid),
          release: String(args.release),
          since: "2026-01-02T03:04:05Z",
        };
        return { result: { token: node.token, state: this.#state(), recovered } };
      }
      case "receive":
        node.journal = { release: String(args.release), before: node.live, prepared: false, flipped: false, cutOver: false };
        return { result: { directory: node.directory, linkFrom: [] } };
      case "set-up":
        return { result: { changes: [], variables: { CONFIG_FILES: "/srv/silver/hello/data/g1" } } };
      case "prepare": {
        const started = { address: "127.64.0.2", port: 20002, unit: "silver-hello@x.service", changes: node.lost };
        const { id } = args.release as { id: string };
        if (node.live === id) {
          node.lost = [];
          return { result: started };
        }
        if (node.journal === null) return { error: error("usage", "nothing was received") };
        node.journal.prepared = true;
        node.secrets = args.secrets as Record<string, string>;
        return { result: started };
      }
      case "check":
        return { result: answered(true) };
      case "flip": {
        if (node.live === args.release && node.journal?.flipped !== true)
          return { result: { changes: [], previous: node.previous } };
        if (node.journal?.prepared !== true) return { error: error("usage", "nothing was prepared") };
        const previous = node.journal.before;
        node.journal.flipped = true;
        node.journal.cutOver ||= args.last === true;
        setLive(node, node.journal.release);
        return { result: { changes: [], previous } };
      }
      case "undo":
        undo(node);
        return { result: { live: node.live, changes: [] } };
      case "finish":
        node.journal = null;
        node.verdicts.push(String(args.verdict));
        node.holder = null;
        this.#leased = false;
        return { result: { state: this.#state() } };
      case "remove":
        setLive(node, null);
        return { result: { changes: [], archive: "/srv/silver/.archive/hello" } };
      case "status":
        return { result: { sites: node.live === null ? [] : [this.#state()] } };
      case "logs":
        return { result: { lines: [] } };
      case "ping":
        return { result: {} };
      case "converge":
      case "recover":
      case "measure":
        return { result: { changes: [] } };
    }
  }

  #state(): SiteState {
    const { live, previous, serial, holder } = this.#node;
    return {
      site: this.#site,
      serial,
      live,
      previous,
      releases: this.#node.releases,
      generation: 1,
      holder,
      services: [],
    };
  }
}

function setLive(node: FakeNode, live: string | null): void {
  if (node.live === live) return;
  node.previous = node.live;
  node.live = live;
  node.serial += 1;
}

function undo(node: FakeNode): void {
  if (node.journal !== null) setLive(node, node.journal.before);
  node.journal = null;
}

function recover(node: FakeNode): { what: string; why: string }[] {
  if (node.journal === null) return [];
  const finishes = node.journal.cutOver;
  if (finishes) node.journal = null;
  else undo(node);
  node.calls.push(finishes ? "(finish)" : "(undo)");
  return [{ what: finishes ? "finished" : "undone", why: "its rollout died" }];
}

const error = (code: AgentError["code"], message: string): AgentError => ({
  code,
  message,
  fix: null,
  log: code === "start" ? ["Traceback (most recent call last):", "SyntaxError: invalid syntax"] : [],
  holder:
    code === "leased" ? { who: "ann@desk", pid: 7, release: "1.0.0-11111111.22222222", since: "2026-01-02T03:04:05Z" } : null,
});

const answered = (ok: boolean): unknown => ({
  answer: {
    ok,
    url: "http://127.64.0.2:20002/health",
    status: ok ? 200 : 500,
    reason: ok ? null : "status 500, expected 200",
    body: ok ? "ok" : "Internal Server Error",
    milliseconds: 3,
  },
  log: ok ? [] : ["Traceback (most recent call last):", "KeyError: 'STRIPE_KEY'"],
});

/** Speaks the contract over two streams until the driver leaves or the agent dies. */
function converse(
  node: FakeNode,
  input: Readable,
  output: Writable,
  done: () => void,
  onChange: () => void = () => undefined,
): void {
  const session = new FakeSession(node, "hello");
  let dead = false;
  const end = (): void => {
    if (dead) return;
    dead = true;
    session.end();
    onChange();
    done();
  };
  createInterface({ input })
    .on("line", (line) => {
      if (dead) return;
      const { id, verb, args } = JSON.parse(line) as { id: number; verb: Verb; args: Record<string, unknown> };
      const reply = session.answer(verb, args);
      onChange();
      const tell = (): void => {
        if (node.gate?.verb === verb && !existsSync(node.gate.file)) setTimeout(tell, 10);
        else if (reply === "die") end();
        else if (reply !== "hang") output.write(`${JSON.stringify({ id, ...reply })}\n`);
      };
      tell();
    })
    .on("close", end);
}

/** A session with a fake node inside of this process. */
export function fakeChannel(node: FakeNode): Channel {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  const end = (code: number) => (): void => {
    stdout.end();
    stderr.end();
    // As with a process: told after all that it wrote was read.
    setImmediate(() => {
      resolve({ code, signal: null });
    });
  };
  if (node.unreachable !== 0) {
    node.unreachable -= 1;
    stderr.write("ssh: connect to host 10.0.0.1 port 22: Connection refused\n");
    end(255)();
  } else {
    converse(node, stdin, stdout, end(0));
  }
  return { stdin, stdout, stderr, exited, kill: () => stdin.destroy() };
}

// Run as a program it is what `ssh … silver-agent serve` would be: `fake-agent.ts MEMORY`, a file with the node's memory.
const [, program, memory] = process.argv;
if (program === import.meta.filename && memory !== undefined) {
  const node = JSON.parse(readFileSync(memory, "utf8")) as FakeNode;
  converse(
    node,
    process.stdin,
    process.stdout,
    () => process.exit(0),
    () => {
      writeFileSync(`${memory}.new`, JSON.stringify(node));
      renameSync(`${memory}.new`, memory);
    },
  );
}
