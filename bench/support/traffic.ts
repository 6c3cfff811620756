import { Agent, request } from "node:http";
import { performance } from "node:perf_hooks";

/** Requests a second of each of the two fast kinds. */
const rate = 25;
const slowClients = 4;
/** Milliseconds after which a request counts as failed. The slow page takes 3 s. */
const timeoutSeconds = 30;

export interface Outcome {
  requests: number;
  /** Why each failed request failed. */
  failures: string[];
  /** Seconds of the slowest fast request, failed ones included. */
  slowestFast: number;
  /** Seconds within which 99 of 100 fast requests were answered. */
  fast99: number;
}

/**
 * The load of the peers' table on one node, from construction to `end()`: 25 requests a second over new connections and 25
 * over kept-alive ones, sent on time whatever is unanswered, and 4 clients one slow request after another.
 */
export class Traffic {
  readonly #address: string;
  readonly #keepAlive = new Agent({ keepAlive: true });
  readonly #timer: NodeJS.Timeout;
  readonly #open = new Set<Promise<void>>();
  readonly #fast: number[] = [];
  readonly #failures: string[] = [];
  #requests = 0;
  #ended = false;

  constructor(address: string) {
    this.#address = address;
    const start = performance.now();
    let sent = 0;
    // Timers come late on a busy machine: what is due by now is sent, so that the rate is kept.
    this.#timer = setInterval(() => {
      for (; sent < ((performance.now() - start) / 1000) * rate; sent++) {
        this.#track(this.#askFast(undefined));
        this.#track(this.#askFast(this.#keepAlive));
      }
    }, 5);
    for (let client = 0; client < slowClients; client++) this.#track(this.#keepAskingSlow());
  }

  /** Sends nothing more, and waits for what is unanswered. */
  async end(): Promise<void> {
    this.#ended = true;
    clearInterval(this.#timer);
    await Promise.all(this.#open);
    this.#keepAlive.destroy();
  }

  get outcome(): Outcome {
    const sorted = this.#fast.toSorted((a, b) => a - b);
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return { requests: this.#requests, failures: this.#failures, slowestFast: at(1), fast99: at(0.99) };
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#open.delete(tracked));
    this.#open.add(tracked);
  }

  async #askFast(agent: Agent | undefined): Promise<void> {
    const start = performance.now();
    await this.#ask("/fast", "fast", agent);
    this.#fast.push((performance.now() - start) / 1000);
  }

  async #keepAskingSlow(): Promise<void> {
    while (!this.#ended) await this.#ask("/slow", "slow", undefined);
  }

  /** Anything but the wanted body is a failure. */
  #ask(path: string, wanted: string, agent: Agent | undefined): Promise<void> {
    this.#requests++;
    const what = `${path}${agent === undefined ? "" : ", kept alive"}`;
    return new Promise((resolve) => {
      let over = false;
      const done = (failure?: string) => {
        if (!over && failure !== undefined) this.#failures.push(`${what}: ${failure}`);
        over = true;
        resolve();
      };
      const options = { host: this.#address, path, agent: agent ?? false, timeout: timeoutSeconds * 1000 };
      const sent = request(options, (response) => {
        let body = "";
        response.setEncoding("utf8").on("data", (text: string) => (body += text));
        response.on("error", (error) => {
          done(error.message);
        });
        response.on("end", () => {
          done(response.statusCode === 200 && body === wanted ? undefined : `status ${response.statusCode ?? 0}`);
        });
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer in ${timeoutSeconds} s`)));
      sent.on("error", (error) => {
        done(error.message);
      });
      sent.end();
    });
  }
}
