/** What a bench measures: its own samples, those of a floor or a peer from the same run, and the goal they are held against. */

/** `s`, `ms` and `MB` (2^20 bytes) have decimals; `requests` are counted. */
export type Unit = "s" | "ms" | "MB" | "requests";

/**
 * `limit`: the samples themselves; `ratio`: times the floor; `above`: more than the floor.
 * Medians are compared, unless `by` says that one bad sample is one too many.
 */
export interface Goal {
  kind: "limit" | "ratio" | "above";
  atMost: number;
  by?: "most";
}

export interface Samples {
  /** What was measured, in a few words. */
  what: string;
  values: number[];
}

export interface Figure extends Samples {
  unit: Unit;
  /** A floor or a peer, measured in turn with ours. Absent only where there is none. */
  beside?: Samples;
  /** Absent: the figure is told for what it is. */
  goal?: Goal;
}

export interface Spread {
  median: number;
  least: number;
  most: number;
}

/** @throws Error on no values */
export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => {
    const value = sorted[index];
    if (value === undefined) throw new Error("nothing was measured");
    return value;
  };
  const half = sorted.length / 2;
  const median = Number.isInteger(half) ? (at(half - 1) + at(half)) / 2 : at(Math.floor(half));
  return { median, least: at(0), most: at(sorted.length - 1) };
}

/** What is held against the goal: seconds, times, megabytes or requests; and whether it is met. */
export function judge({ values, beside }: Figure, { kind, atMost, by }: Goal): { value: number; met: boolean } {
  const counted = (samples: readonly number[]) => spreadOf(samples)[by ?? "median"];
  const floor = () => {
    if (beside === undefined) throw new Error(`a goal of kind ${kind} needs a floor`);
    return counted(beside.values);
  };
  const own = counted(values);
  const value = kind === "limit" ? own : kind === "ratio" ? own / floor() : own - floor();
  return { value, met: value <= atMost };
}
