/** How much Apache and Varnish may use at once for a release; all derived from the processes it asks for. */
export interface Capacity {
  /** Connections Varnish opens to the release; one more is answered 503 at once. */
  connections: number;
  /** Apache's workers: more than `connections`. */
  workers: number;
  threadsPerChild: number;
  /** Apache's children that hold these workers. */
  children: number;
}

/** How much a group of processes may use at once. */
export interface ProcessLimits {
  /** Threads and processes. */
  tasks: number;
  memoryBytes: number;
}

/** Threads and child processes that an app may start itself, besides its workers. */
const ownTasks = 128;
/** Threads of an Apache child besides its workers: listener, main and clean-up. */
const threadsOfChild = 3;
/** What Apache's own processes need at most. */
const apacheBytes = 256 * 1024 ** 2;
/** Apache's main process, the one it logs through, and short-lived ones. */
const apacheTasks = 16;
/** Bytes of a unit's /tmp: an app spools the uploads of 25 requests of 10 MB each. */
export const temporaryBytes = 256 * 1024 ** 2;

/**
 * `connections` is well above what can run at once: a burst waits in mod_wsgi's queue (15 s at most) instead of being refused,
 * because Varnish before 7.6 has no queue of its own.
 */
export function capacity({ count, threads }: { count: number; threads: number }): Capacity {
  const threadsPerChild = 32;
  const connections = Math.max(128, 8 * count * threads);
  const children = Math.ceil((connections + threadsPerChild) / threadsPerChild);
  return { connections, workers: children * threadsPerChild, threadsPerChild, children };
}

/**
 * Limits of the unit with Apache.
 * @param app those of the app's processes, if that unit also has them
 */
export function webLimits({ children, threadsPerChild }: Capacity, app?: ProcessLimits): ProcessLimits {
  const apache = children * (threadsPerChild + threadsOfChild);
  if (app === undefined) return { tasks: apache + apacheTasks, memoryBytes: apacheBytes };
  return { tasks: apache + app.tasks, memoryBytes: apacheBytes + app.memoryBytes };
}

/** Limits of the app's processes with what they start themselves, and their temporary files. */
export function appLimits(processes: ProcessLimits): ProcessLimits {
  return { tasks: processes.tasks + ownTasks, memoryBytes: processes.memoryBytes + temporaryBytes };
}
