import { hostname, userInfo } from "node:os";

/** Who works on a node, as its records and its history have it: `anna@laptop`. */
export const whoRuns = (): string => `${userInfo().username}@${hostname()}`;
