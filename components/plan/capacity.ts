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
  /** Threads and processes of the whole unit. */
  tasks: number;
  /** Bytes of the whole unit, its temporary files among them. */
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
/** The master of php-fpm, and the shell that holds it and Apache together. */
const phpTasks = 2;
/** Bytes of a unit's /tmp: the uploads of 25 requests, of 10 MB each, that an app spools. */
export const temporaryBytes = 256 * 1024 ** 2;

/**
 * `connections` is well above what can run at once: a burst waits in mod_wsgi's queue (15 s at most) instead of being refused,
 * because Varnish before 7.6 has no queue of its own.
 */
export function capacity({ platform, processes }: Pick<SitePlan, "platform" | "processes">): Capacity {
  const { count, threads, memoryBytes } = processes;
  const threadsPerChild = 32;
  const connections = Math.max(128, 8 * count * threads);
  const children = Math.ceil((connections + threadsPerChild) / threadsPerChild);
  const isPhp = platform === "php";
  const daemons = isPhp ? count + phpTasks : count * (threads + threadsOfDaemon);
  const daemonBytes = isPhp ? count * (memoryBytes + phpProcessBytes) + opcacheBytes : count * memoryBytes;
  return {
    connections,
    workers: children * threadsPerChild,
    threadsPerChild,
    children,
    tasks: children * (threadsPerChild + threadsOfChild) + daemons + ownTasks,
    memoryBytes: daemonBytes + apacheBytes + temporaryBytes,
  };
}
