import { readFileSync } from "node:fs";

/** Milliseconds between two checks of our parent. */
const lookMilliseconds = 500;

/**
 * Signals when a rollout should end: SIGINT, SIGTERM, nobody left to read its output, or a dead parent. Pulumi's second interrupt
 * kills the parent alone, and no signal reaches us.
 */
export function watchForStop(): AbortSignal {
  const controller = new AbortController();
  const stop = (reason: string) => (): void => {
    controller.abort(reason);
  };
  // Not once: a second signal must not kill a rollout that is backing out.
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
 * Who started us: our parent, and also its parent when ours is only the shell of a `sh -c`, as under Pulumi. The shell outlives the process
 * that started it; the kernel then gives it another parent. Without /proc only our own parent is known.
 */
function starters(): string {
  const parent = process.ppid;
  try {
    const [, option] = readFileSync(`/proc/${parent}/cmdline`, "utf8").split("\0");
    if (option !== "-c") return String(parent);
    // `pid (name) state parent …`: the name may contain anything; the last parenthesis ends it.
    const stat = readFileSync(`/proc/${parent}/stat`, "utf8");
    return `${parent} ${stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1] ?? ""}`;
  } catch {
    return String(parent);
  }
}
