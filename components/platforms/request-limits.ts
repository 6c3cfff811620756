import type { Served } from "./platform.ts";

/** Largest request body. Varnish buffers all of it before the app sees any, so that a slow upload blocks no process. */
export const bodyMegabytes = 10;

/** Seconds after which a request that no process took is answered 504. */
export const queueSeconds = 15;
/** Seconds a process has to end before it is killed. */
export const shutdownSeconds = 2;
/** Seconds within which the app must begin an answer, or is killed: every server in front of it waits at least as long. */
export const answerSeconds = ({ timeouts }: Pick<Served, "timeouts">): number =>
  queueSeconds + timeouts.requestSeconds + shutdownSeconds;
