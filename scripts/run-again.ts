import type { FileResult } from "./test-report.ts";

/** More failing files than this are broken, not disturbed: to run them again would only take time. */
const most = 3;

/** Layers whose tests start processes: a busy machine can make one of them late. */
const disturbed = ["process", "engine", "upgrade", "nodes"];

/**
 * Runs each file that failed once more, by itself. What passes then counts as passed and is told as unsteady, with its
 * reason: somebody has to mend it, but it stops nobody else's work.
 * @param run runs one file of a layer
 */
export function runAgain(
  results: readonly FileResult[],
  run: (layer: string, file: string) => readonly FileResult[],
): FileResult[] {
  const failing = results.filter(({ failed }) => failed.length > 0);
  if (failing.length > most) return [...results];
  return results.map((first) => {
    const layer = /^test\/(\w+)\//.exec(first.file)?.[1];
    if (layer === undefined || !disturbed.includes(layer) || !failing.includes(first)) return first;
    const [second, ...others] = run(layer, first.file);
    const whole = second?.failed.length === 0 && others.length === 0;
    return whole ? { ...second, unsteady: first.failed } : first;
  });
}
