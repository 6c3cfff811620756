import type { Readable } from "node:stream";
import { message, protocol, verbs } from "../node/contract.ts";
import type { Args, Result, Verb } from "../node/contract.ts";
import type { Channel, Exit } from "./channel.ts";
import { Failure } from "./failure.ts";
import type { FailureDetails } from "./failure.ts";

/** Seconds between two signs of life to the agent; it considers a driver dead after `silenceSeconds`. */
const pingSeconds = 5;

/**
 * Seconds of silence after which an agent with a pending request is considered lost. However long a verb takes, it reports
 * every ten seconds; a slow disk may delay that for a while.
 */
const lostSeconds = 60;

export interface SessionOptions {
  node: string;
  channel: Channel;
  /** The agent's progress report. */
  onEvent: (step: string, text: string) => void;
  /** Turns the end of a silent channel into a failure that a person can act on. */
  explain: (exit: Exit, stderr: string) => Omit<FailureDetails, "step">;
}

interface Waiting {
  verb: Verb;
  step: string;
  resolve: (result: unknown) => void;
  reject: (failure: Failure) => void;
  timer: NodeJS.Timeout;
}

/** One agent on one node, for as long as the rollout runs: typed requests out, checked answers in. */
export class Session {
  readonly node: string;
  /** Resolves when the session has ended. */
  readonly ended: Promise<void>;
  readonly #channel: Channel;
  readonly #options: SessionOptions;
  readonly #waiting = new Map<number, Waiting>();
  readonly #pings: NodeJS.Timeout;
  #lastId = 0;
  #spoke = false;
  #end: Failure | undefined;
  #noise = "";

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#channel = options.channel;
    this.node = options.node;
    const { stdin, stdout, stderr, exited } = this.#channel;
    // A write to a session that just ended fails; `exited` reports the end.
    stdin.on("error", () => undefined);
    stderr.on("data", (chunk: Buffer) => {
      this.#noise = (this.#noise + chunk.toString()).slice(-4000);
    });
    eachLine(stdout, (line) => {
      this.#read(line);
    });
    this.#pings = setInterval(() => {
      if (this.#spoke) stdin.write(`${JSON.stringify({ id: ++this.#lastId, verb: "ping", args: {} })}\n`);
    }, pingSeconds * 1000);
    this.ended = exited.then((exit) => {
      this.#fail(this.#why(exit));
    });
  }

  /** True while the agent takes requests. */
  get open(): boolean {
    return this.#end === undefined;
  }

  /**
   * Sends one request; answers come in the order of the requests.
   * @param step its name for people; default: the verb
   * @throws Failure with the agent's own error, or `lost` when the session ended
   */
  ask<V extends Verb>(verb: V, args: Args<V>, step: string = verb): Promise<Result<V>> {
    if (this.#end !== undefined) return Promise.reject(this.#atStep(this.#end, step));
    const id = ++this.#lastId;
    return new Promise<Result<V>>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#fail(this.#lost(`did not answer ${verb}: it said nothing for ${lostSeconds} s`));
        this.#channel.kill();
      }, lostSeconds * 1000);
      this.#waiting.set(id, { verb, step, reject, timer, resolve: resolve as (result: unknown) => void });
      this.#channel.stdin.write(`${JSON.stringify({ id, verb, args })}\n`);
    });
  }

  /** Greets the agent, and refuses one with another protocol. */
  async hello(): Promise<Result<"hello">> {
    const hello = await this.ask("hello", {}, "connect");
    if (hello.protocol === protocol) return hello;
    throw new Failure({
      node: this.node,
      step: "connect",
      code: "protocol",
      message: `the agent on ${this.node} speaks protocol ${hello.protocol}, this checkout ${protocol}`,
      fix:
        hello.protocol < protocol
          ? "run pulumi up: it brings the new agent first"
          : "update this checkout: somebody deployed with a newer one",
    });
  }

  /** Ends the session; the agent releases any lease it still holds. */
  async close(): Promise<void> {
    clearInterval(this.#pings);
    this.#channel.stdin.end();
    const timer = setTimeout(() => {
      this.#channel.kill();
    }, 5000);
    await this.ended;
    clearTimeout(timer);
  }

  #read(line: string): void {
    // A greeting of the login shell may lack its line end.
    const parsed = message.safeParse(json(this.#spoke ? line : line.slice(Math.max(0, line.indexOf('{"id":')))));
    // Such as a greeting of the login shell: kept in case it is the only output.
    if (!parsed.success) {
      this.#noise = `${this.#noise}${line}\n`.slice(-4000);
      return;
    }
    this.#spoke = true;
    for (const { timer } of this.#waiting.values()) timer.refresh();
    const said = parsed.data;
    if ("event" in said) {
      this.#options.onEvent(said.event.step, said.event.text);
      return;
    }
    const waiting = this.#waiting.get(said.id);
    if (waiting === undefined) return;
    this.#waiting.delete(said.id);
    clearTimeout(waiting.timer);
    if ("error" in said) {
      const { code, message: text, fix, log, holder } = said.error;
      waiting.reject(
        new Failure({
          node: this.node,
          step: waiting.step,
          code,
          message: text,
          log,
          ...(fix === null ? {} : { fix }),
          ...(holder === null ? {} : { holder }),
        }),
      );
      return;
    }
    const result = verbs[waiting.verb].result.safeParse(said.result);
    if (result.success) {
      waiting.resolve(result.data);
      return;
    }
    const fields = result.error.issues.map((issue) => `${issue.path.join(".") || "(all)"}: ${issue.code}`);
    waiting.reject(
      new Failure({
        node: this.node,
        step: waiting.step,
        code: "protocol",
        message: `the agent on ${this.node} answered ${waiting.verb} with what this checkout can't read (${fields.join("; ")})`,
        fix: "run pulumi up again: it brings the agent of this checkout first",
      }),
    );
  }

  #why(exit: Exit): Failure {
    if (!this.#spoke) return new Failure({ step: "connect", ...this.#options.explain(exit, this.#noise) });
    const last = this.#noise.trim().split("\n").at(-1);
    return this.#lost(`ended the session (${exit.signal ?? `exit code ${exit.code ?? "none"}`}${last ? `: ${last}` : ""})`);
  }

  #lost(what: string): Failure {
    return new Failure({ node: this.node, step: "connect", code: "lost", message: `${this.node} ${what}` });
  }

  #atStep(failure: Failure, step: string): Failure {
    return failure.details.code === "lost" ? new Failure({ ...failure.details, step }) : failure;
  }

  #fail(failure: Failure): void {
    this.#end ??= failure;
    clearInterval(this.#pings);
    for (const waiting of this.#waiting.values()) {
      clearTimeout(waiting.timer);
      waiting.reject(this.#atStep(this.#end, waiting.step));
    }
    this.#waiting.clear();
  }
}

/** Not by readline: to that U+2028, which an app may say and JSON leaves as it is, ends a line, too. */
function eachLine(stream: Readable, take: (line: string) => void): void {
  let begun: string[] = [];
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const [first = "", ...more] = chunk.split("\n");
    begun.push(first);
    for (const next of more) {
      take(begun.join(""));
      begun = [next];
    }
  });
  stream.on("end", () => {
    if (begun.some((part) => part !== "")) take(begun.join(""));
  });
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
