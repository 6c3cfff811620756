import { existsSync } from "node:fs";
import type { Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { AgentError, Verb } from "../../components/node/contract.ts";

/** What goes wrong between a driver and an agent when a verb is asked. The agent itself is the real one. */
export interface Fault {
  verb: Verb;
  /** Only a check by this way, or a flip that is (`last`) or isn't (`not-last`) the last. */
  on?: "direct" | "varnish" | "last" | "not-last";
  /**
   * An agent's error, a check that isn't ok or an answer not to be read, none of which the agent hears of; the line is gone before or
   * after the work; no answer at all.
   */
  kind: AgentError["code"] | "not-ok" | "nonsense" | "die-before" | "die-after" | "hang";
  /** How often it happens. Default: once. */
  times?: number;
}

/** The answer to `verb` waits until the file is there, so that a test can do something meanwhile. */
export interface Gate {
  verb: Verb;
  file: string;
}

/** What stands between a driver and an agent. */
export interface Line {
  faults: Fault[];
  gate: Gate | null;
  /** Fields of `hello` that are told otherwise. */
  hello: object;
  /** Hears of every verb asked, in order: `flip last`, `check direct` … */
  onCall: (call: string) => void;
}

interface Request {
  id: number;
  verb: Verb;
  args: Record<string, unknown>;
}

/** Carries lines between a driver and an agent's socket, with the faults; `done` is called once the agent has ended its session. */
export function carry(line: Line, agent: Socket, input: Readable, output: Writable, done: () => void): void {
  const asked = new Map<number, { verb: Verb; dies: boolean }>();
  let cut = false;
  const hangUp = (): void => {
    cut = true;
    // The agent notices, does what is its own to decide, and ends the session from its side.
    agent.end();
  };
  const answer = (text: string): void => {
    if (!cut) output.write(`${text}\n`);
  };
  createInterface({ input })
    .on("line", (text) => {
      if (cut) return;
      const { id, verb, args } = JSON.parse(text) as Request;
      const call = nameOf(verb, args);
      if (verb !== "ping") line.onCall(call);
      const fault = strike(line.faults, verb, call);
      const made = fault && madeUp(fault, id);
      if (made !== undefined) answer(made);
      else if (fault?.kind === "die-before") hangUp();
      else if (fault?.kind !== "hang") {
        asked.set(id, { verb, dies: fault?.kind === "die-after" });
        agent.write(`${text}\n`);
      }
    })
    .on("close", hangUp);
  input.on("close", hangUp);
  createInterface({ input: agent }).on("line", (text) => {
    const said = JSON.parse(text) as { id: number; result?: object; error?: object };
    const request = (said.result ?? said.error) ? asked.get(said.id) : undefined;
    if (request?.dies === true) {
      hangUp();
      return;
    }
    const told = request?.verb === "hello" ? JSON.stringify({ ...said, result: { ...said.result, ...line.hello } }) : text;
    const tell = (): void => {
      if (line.gate !== null && line.gate.verb === request?.verb && !existsSync(line.gate.file)) setTimeout(tell, 10);
      else answer(told);
    };
    tell();
  });
  agent.on("error", () => undefined).on("close", done);
}

const nameOf = (verb: Verb, args: Record<string, unknown>): string => {
  if (verb === "check") return `check ${String(args.through)}`;
  if (verb === "flip") return args.last === true ? "flip last" : "flip not-last";
  return verb;
};

/** The fault that hits a call; it is used up by that. */
function strike(faults: Fault[], verb: Verb, call: string): Fault | undefined {
  const fault = faults.find(
    (each) => each.verb === verb && (each.on === undefined || call === `${verb} ${each.on}`) && (each.times ?? 1) > 0,
  );
  if (fault !== undefined) fault.times = (fault.times ?? 1) - 1;
  return fault;
}

/** The answer that the agent never gave; undefined where the fault is of another kind. */
function madeUp({ verb, kind }: Fault, id: number): string | undefined {
  if (kind === "die-before" || kind === "die-after" || kind === "hang") return undefined;
  if (kind === "nonsense") return JSON.stringify({ id, result: { nonsense: true } });
  if (kind === "not-ok") return JSON.stringify({ id, result: notOk });
  return JSON.stringify({ id, error: error(kind, `${verb} failed`) });
}

const error = (code: AgentError["code"], message: string): AgentError => ({
  code,
  message,
  fix: null,
  log: code === "start" ? ["Traceback (most recent call last):", "SyntaxError: invalid syntax"] : [],
  holder:
    code === "leased" ? { who: "ann@desk", pid: 7, release: "1.0.0-11111111.22222222", since: "2026-01-02T03:04:05Z" } : null,
});

const notOk = {
  answers: [
    {
      ok: false,
      url: "http://127.64.0.2:20002/health",
      status: 500,
      redirect: null,
      reason: "status 500, expected 200",
      body: "Internal Server Error",
      milliseconds: 3,
    },
  ],
  log: ["Traceback (most recent call last):", "KeyError: 'STRIPE_KEY'"],
};
