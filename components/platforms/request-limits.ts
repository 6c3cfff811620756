import type { Served } from "./platform.ts";

/** Largest request body. Varnish holds it whole before the app sees any of it, so that a slow upload holds no process. */
export const bodyMegabytes = 10;

/** Seconds after which a request that no process took is answered 504. */
export const queueSeconds = 15;
/** Seconds a process may take to end before it is killed. */
export const shutdownSeconds = 2;
/** Seconds within which the app itself must begin an answer, or is ended for it: every server before it waits at least as long. */
export const answerSeconds = ({ timeouts }: Pick<Served, "timeouts">): number =>
  queueSeconds + timeouts.requestSeconds + shutdownSeconds;
