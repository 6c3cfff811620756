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
