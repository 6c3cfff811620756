import { connect } from "node:net";

/** What visitors met who each asked again as soon as they were answered. */
export interface Outcome {
  /** Milliseconds of each request, ascending. */
  milliseconds: number[];
  /** Answers other than 200, and connections that broke. */
  failed: number;
  /** Bodies of the answers, each once. */
  bodies: Set<string>;
}

/**
 * Asks for `/` over kept-alive connections, on each one request after another: a client of few lines, so that it takes little of the
 * cores that it shares with the node. Answers must have a Content-Length.
 */
export async function closedLoop(address: string, host: string, connections: number, seconds: number): Promise<Outcome> {
  const outcome: Outcome = { milliseconds: [], failed: 0, bodies: new Set() };
  const end = performance.now() + seconds * 1000;
  await Promise.all(Array.from({ length: connections }, () => visit(address, host, end, outcome)));
  outcome.milliseconds.sort((a, b) => a - b);
  return outcome;
}

/** The time within which such a share of the requests was answered. */
export function within({ milliseconds }: Outcome, share: number): number {
  return milliseconds[Math.ceil(milliseconds.length * share) - 1] ?? NaN;
}

/** One visitor; connects again where a connection breaks. */
async function visit(address: string, host: string, end: number, outcome: Outcome): Promise<void> {
  const request = `GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  while (performance.now() < end) {
    await new Promise<void>((resolve) => {
      const socket = connect(80, address).setNoDelay(true).setEncoding("latin1");
      let asked = 0;
      let text = "";
      const ask = () => {
        asked = performance.now();
        socket.write(request);
      };
      socket.on("connect", ask);
      socket.on("error", () => (outcome.failed += 1));
      socket.on("close", resolve);
      socket.on("data", (chunk: string) => {
        text += chunk;
        const head = text.indexOf("\r\n\r\n") + 4;
        const length = Number(/\ncontent-length: (\d+)/i.exec(text.slice(0, head))?.[1]);
        if (head < 4 || text.length < head + length) return;
        outcome.milliseconds.push(performance.now() - asked);
        if (text.startsWith("HTTP/1.1 200")) outcome.bodies.add(text.slice(head));
        else outcome.failed += 1;
        text = "";
        if (performance.now() < end) ask();
        else socket.destroy();
      });
    });
  }
}
