import { http } from "../../test/support/nodes.ts";
import type { Answer } from "../../test/support/nodes.ts";

/** Milliseconds between two requests: a figure made with it may be too high by this much. */
const pauseMilliseconds = 10;
const deadlineSeconds = 300;

/**
 * Asks for `/` over a new connection, one request after another, until the answer is the wanted one.
 * @param stopped whether the caller has lost interest
 * @returns `performance.now()` of the answer
 */
async function firstAnswer(address: string, wanted: (answer: Answer) => boolean, stopped: AbortSignal): Promise<number> {
  const deadline = performance.now() + deadlineSeconds * 1000;
  while (performance.now() < deadline) {
    stopped.throwIfAborted();
    // Before Varnish runs, nobody listens.
    const answer = await http({ address }, "/").catch(() => undefined);
    const now = performance.now();
    if (answer !== undefined && wanted(answer)) return now;
    await new Promise((resolve) => setTimeout(resolve, pauseMilliseconds));
  }
  throw new Error(`${address} did not answer as wanted within ${deadlineSeconds} s`);
}

/** Seconds from the start of a command to the first wanted answer of a node, and to the command's own end. */
export async function timeToAnswer(
  address: string,
  wanted: (answer: Answer) => boolean,
  command: () => Promise<unknown>,
): Promise<{ answer: number; end: number }> {
  const stop = new AbortController();
  const start = performance.now();
  const since = (time: number) => (time - start) / 1000;
  const ended = command().then(
    () => performance.now(),
    (error: unknown) => {
      stop.abort(error);
      throw error;
    },
  );
  const [answer, end] = await Promise.all([firstAnswer(address, wanted, stop.signal), ended]);
  return { answer: since(answer), end: since(end) };
}
