import type { ServiceUse } from "./service.ts";

/**
 * Releases of a site that may run at once: the new one, the live one, the previous one, which stays warm for its time, and
 * the one before that, which is not ended while a rollout is under way. Each process may keep its session open.
 */
const releasesAtOnce = 4;

/** Sessions besides those of requests: a migration, a person. */
const spareSessions = 4;

/**
 * Sessions that a site may have in its database at once.
 * @param programs workers and jobs at once: those of one release, and a job under way in the one before
 */
export const sessionsFor = ({ requests, programs }: Pick<ServiceUse, "requests" | "programs">): number =>
  releasesAtOnce * requests + 2 * programs + spareSessions;
