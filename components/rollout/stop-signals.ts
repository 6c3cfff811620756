import { readFileSync } from "node:fs";

/** Milliseconds between two looks at who our parent is. */
const lookMilliseconds = 500;

/**
 * Tells when a rollout should end: SIGINT, SIGTERM, nobody left to read its output, or a parent that died. Pulumi's second interrupt
 * kills the parent alone, and no signal reaches us.
 */
export function watchForStop(): AbortSignal {
  const controller = new AbortController();
  const stop = (reason: string) => (): void => {
    controller.abort(reason);
  };
  // Again and again: a second one must not kill a rollout that is backing out.
  process.on("SIGINT", stop("interrupted"));
  process.on("SIGTERM", stop("terminated"));
  process.on("SIGHUP", stop("the terminal is gone"));
  for (const stream of [process.stdout, process.stderr]) stream.on("error", stop("nothing reads the output any more"));
  const before = starters();
  setInterval(() => {
    if (starters() !== before) controller.abort("the process that started it is gone");
  }, lookMilliseconds).unref();
  return controller.signal;
}

/**
 * Who started us: our parent, and its parent where ours is only the shell of a `sh -c`, as under Pulumi. That shell outlives the process
 * that started it; the kernel then gives it another parent. Without /proc only our own parent is known.
 */
function starters(): string {
  const parent = process.ppid;
  try {
    const [, option] = readFileSync(`/proc/${parent}/cmdline`, "utf8").split("\0");
    if (option !== "-c") return String(parent);
    // `pid (name) state parent …`: the name may hold anything, the last parenthesis ends it.
    const stat = readFileSync(`/proc/${parent}/stat`, "utf8");
    return `${parent} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? ""}`;
  } catch {
    return String(parent);
  }
}
