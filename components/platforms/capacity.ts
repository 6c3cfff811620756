/** How much Apache and Varnish may use at once for a release; all derived from the processes it asks for. */
export interface Capacity {
  /** Connections Varnish opens to the release; one more is answered 503 at once. */
  connections: number;
  /** The same, of large files alone, which go at the pace of whoever reads them. */
  largeFiles: number;
  /** Workers of Apache's one child: more than both together. */
  workers: number;
}

/** How much a group of processes may use at once. */
export interface ProcessLimits {
  /** Threads and processes. */
  tasks: number;
  memoryBytes: number;
}

/** Threads and child processes that an app may start itself, besides its workers. */
const ownTasks = 128;
/**
 * Workers beyond `connections`: for the prober and the check, for requests that Varnish gave up and the app still holds, and
 * for workers that have sent an answer and are not idle yet.
 */
const spareWorkers = 32;
/** What Apache's own processes need at most. */
const apacheBytes = 256 * 1024 ** 2;
/** Apache besides its workers: listener, main and clean-up threads, its parent, the one it logs through, and short-lived ones. */
const apacheTasks = 16;
/** Bytes of a unit's /tmp, where apps keep what is uploaded to them: four of the largest bodies at once, and never less than 256 MB. */
export const temporaryBytes = ({ bodyBytes }: { bodyBytes: number }): number => Math.max(256 * 1024 ** 2, 4 * bodyBytes);

/** Requests that wait for each one that runs, as long as nothing is wrong: more are a burst. */
const waitingPerRequest = 8;
/** The least that a site may keep waiting. */
const leastWaiting = 16;
/** Connections for each request that a small site serves at once, and where that ends: visitors come in bursts. */
const burst = { perRequest: 64, most: 128 };
/** Large files that are read at once, of any site at most. */
const mostLargeFiles = 64;

/**
 * `connections` is well above what can run at once: a burst waits in mod_wsgi's queue (15 s at most) instead of being refused,
 * because Varnish before 7.6 has no queue of its own. A site of one process or none has fewer: two hundred of them fit on a node.
 * Who reads a large file may hold its connection for as long as they like, and so takes none of these.
 */
export function capacity({ count, threads }: { count: number; threads: number }): Capacity {
  const requests = Math.max(1, count * threads);
  const connections = Math.max(Math.min(burst.most, burst.perRequest * requests), waitingPerRequest * requests);
  const largeFiles = Math.min(mostLargeFiles, connections / 2);
  return { connections, largeFiles, workers: connections + largeFiles + spareWorkers };
}

/**
 * Requests that a site keeps waiting for its app at once, besides bursts: what the sum of a node's sites is made of. Each site can
 * have its burst, all of them never have theirs at the same moment.
 */
export function waitingRequests({ count, threads }: { count: number; threads: number }): number {
  return Math.max(leastWaiting, waitingPerRequest * count * threads);
}

/**
 * Limits of the unit with Apache.
 * @param app those of the app's processes, if that unit also has them
 */
export function webLimits({ workers }: Capacity, app?: ProcessLimits): ProcessLimits {
  const apache = workers + apacheTasks;
  if (app === undefined) return { tasks: apache, memoryBytes: apacheBytes };
  return { tasks: apache + app.tasks, memoryBytes: apacheBytes + app.memoryBytes };
}

/** Runs of one job at once, where it may overlap: what outlives its next starts again and again must end somewhere. */
export const jobRunsAtOnce = 4;

/** Workers and runs of jobs that a site may have at once: timers of one minute start all of them together. */
export const mostPrograms = 128;

/** Limits of the app's processes with what they start themselves, and their temporary files. */
export function appLimits(processes: ProcessLimits, limits: { bodyBytes: number }): ProcessLimits {
  return { tasks: processes.tasks + ownTasks, memoryBytes: processes.memoryBytes + temporaryBytes(limits) };
}
