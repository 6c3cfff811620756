import { Agent, request } from "node:http";
import type { Answer } from "./nodes.ts";

/** A visitor who comes back until told to stop. */
export interface Visitor {
  /** What was answered so far, in order. A request that the network failed has status 0, and the reason as its body. */
  answers: Answer[];
  /** Lets the request under way end; returns all answers. */
  stop: () => Promise<Answer[]>;
}

/**
 * Asks again and again, one request after the other.
 *
 * @param ask gets the number of its turn, from 0
 * @param perSecond at most; default 20
 */
export function visitor(ask: (turn: number) => Promise<Answer>, perSecond = 20): Visitor {
  const answers: Answer[] = [];
  let going = true;
  const walk = async () => {
    for (let turn = 0; going; turn++) {
      const pause = new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
      answers.push(await ask(turn).catch((error: unknown) => ({ status: 0, headers: {}, body: String(error) })));
      await pause;
    }
  };
  const walked = walk();
  return {
    answers,
    stop: async () => {
      going = false;
      await walked;
      return answers;
    },
  };
}

/**
 * Sends many requests at once over kept connections, the next one over each as soon as it has its answer.
 *
 * @returns how many were answered with each status; a request that the network failed counts by its reason
 */
export async function burst(
  address: string,
  host: string,
  { requests = 1000, connections = 100, path = "/" } = {},
): Promise<Record<string, number>> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const ask = () =>
    new Promise<string>((resolve) => {
      const sent = request({ host: address, path, headers: { Host: host }, agent, timeout: 30_000 }, (response) => {
        response.resume();
        response.on("end", () => {
          resolve(String(response.statusCode));
        });
        response.on("error", (error) => {
          resolve(error.message);
        });
      });
      sent.on("timeout", () => sent.destroy(new Error("no answer in 30 s")));
      sent.on("error", (error) => {
        resolve(error.message);
      });
      sent.end();
    });
  const outcomes: Record<string, number> = {};
  let left = requests;
  const client = async () => {
    while (left-- > 0) {
      const outcome = await ask();
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  agent.destroy();
  return outcomes;
}
