import type { RequestLimits, Served } from "./platform.ts";

/**
 * Bytes of a body without a length (`Transfer-Encoding: chunked`) that Varnish reads before it hangs up. A client that is hung up on
 * while it sends loses the answer, so one that sends somewhat too much is heard out, and gets its 413.
 */
export const readBytes = ({ bodyBytes }: RequestLimits): number => Math.max(2 * bodyBytes, 256 * 1024 ** 2);

/** Seconds after which a request that no process took is answered 504. */
export const queueSeconds = 15;
/** Seconds a process has to end before it is killed. */
export const shutdownSeconds = 2;
/** Seconds within which the app must begin an answer, or is killed: every server in front of it waits at least as long. */
export const answerSeconds = ({ timeouts }: Pick<Served, "timeouts">): number =>
  queueSeconds + timeouts.requestSeconds + shutdownSeconds;
