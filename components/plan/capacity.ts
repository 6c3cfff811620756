import type { SitePlan } from "./plan.ts";

/** How much of everything a release may use at once; all of it follows from the processes it asks for. */
export interface Capacity {
  /** Connections Varnish opens to the release; one more is answered 503 at once. */
  connections: number;
  /** Apache's workers: more than `connections`. */
  workers: number;
  threadsPerChild: number;
  /** Apache's children that hold these workers. */
  children: number;
}

/** How much a unit may use at once. */
export interface UnitLimits {
  /** Threads and processes. */
  tasks: number;
  /** Bytes, those of temporary files among them. */
  memoryBytes: number;
}

/** Threads and child processes that an app may start by itself, besides its workers. */
const ownTasks = 128;
/** mod_wsgi runs a main, a monitor, a deadlock and a reaper thread in each process. */
const threadsOfDaemon = 4;
/** Of an Apache child: listener, main and clean-up besides its workers. */
const threadsOfChild = 3;
/** What the processes of Apache itself need at most. */
const apacheBytes = 256 * 1024 ** 2;
/** Compiled PHP, which all processes share: PHP's own default. */
const opcacheBytes = 128 * 1024 ** 2;
/** What a process of PHP needs besides the memory that it gives a request. */
const phpProcessBytes = 16 * 1024 ** 2;
/** Apache's main process, the one it logs through, and what it may start for a moment. */
const apacheTasks = 16;
/** Bytes of a unit's /tmp: the uploads of 25 requests, of 10 MB each, that an app spools. */
export const temporaryBytes = 256 * 1024 ** 2;

/**
 * `connections` is well above what can run at once: a burst waits in mod_wsgi's queue (15 s at most) instead of being refused,
 * because Varnish before 7.6 has no queue of its own.
 */
export function capacity({ processes }: Pick<SitePlan, "processes">): Capacity {
  const { count, threads } = processes;
  const threadsPerChild = 32;
  const connections = Math.max(128, 8 * count * threads);
  const children = Math.ceil((connections + threadsPerChild) / threadsPerChild);
  return { connections, workers: children * threadsPerChild, threadsPerChild, children };
}

/** Of the unit with Apache, where the app's own processes run too unless they are PHP's. */
export function webLimits(site: Pick<SitePlan, "platform" | "processes">): UnitLimits {
  const { count, threads, memoryBytes } = site.processes;
  const { children, threadsPerChild } = capacity(site);
  const apache = children * (threadsPerChild + threadsOfChild);
  if (site.platform === "php") return { tasks: apache + apacheTasks, memoryBytes: apacheBytes };
  return {
    tasks: apache + count * (threads + threadsOfDaemon) + ownTasks,
    memoryBytes: count * memoryBytes + apacheBytes + temporaryBytes,
  };
}

/** Of the unit with PHP: the master and its processes. */
export function phpLimits({ processes: { count, memoryBytes } }: Pick<SitePlan, "processes">): UnitLimits {
  return {
    tasks: 1 + count + ownTasks,
    memoryBytes: count * (memoryBytes + phpProcessBytes) + opcacheBytes + temporaryBytes,
  };
}
