import type { Figure } from "./figure.ts";
import type { Stage } from "./stage.ts";

export interface Bench {
  /** The word after `npm run bench --`. */
  name: string;
  title: string;
  /** What is measured, and beside what: a paragraph of docs/benchmarks.md. */
  how: string;
  /** @param runs samples of each figure */
  measure: (stage: Stage, runs: number) => Promise<Figure[]>;
}

/**
 * Runs all parts in turn, `runs` times over: ours, floor, ours, floor … so that other load on the machine affects both.
 * @returns what each part returned, by its name
 */
export async function inTurn<Name extends string, T>(
  stage: Stage,
  runs: number,
  parts: Record<Name, (run: number) => Promise<T>>,
): Promise<Record<Name, T[]>> {
  const names = Object.keys(parts) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<Name, T[]>;
  for (let run = 1; run <= runs; run++) {
    for (const name of names) {
      stage.checkStopped();
      const time = await seconds(async () => results[name].push(await parts[name](run)));
      stage.say(`${run}/${runs} ${name}, ${time.toFixed(1)} s in all`);
    }
  }
  return results;
}

/** Seconds that an action takes. */
export async function seconds(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return (performance.now() - start) / 1000;
}
