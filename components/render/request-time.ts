import type { SitePlan } from "../plan/plan.ts";

/** Seconds after which a request that no process took is answered 504. */
export const queueSeconds = 15;
/** Seconds a process may take to end before it is killed. */
export const shutdownSeconds = 2;
/** Seconds within which the app itself must begin an answer, or is ended for it: whoever stands before it waits at least as long. */
export const answerSeconds = ({ timeouts }: SitePlan): number => queueSeconds + timeouts.requestSeconds + shutdownSeconds;
