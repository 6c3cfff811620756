/** What a bench measures: its own samples, those of a floor or a peer from the same run, and the goal they are held against. */

/** `s`, `ms` and `MB` (2^20 bytes) have decimals; `requests` are counted, and `a second` is how many of them. */
export type Unit = "s" | "ms" | "MB" | "requests" | "a second";

/**
 * `limit`: the samples themselves; `ratio`: times the floor; `above`: more than the floor; `share`: times the peer, where more is better.
 * Medians are compared, unless `by` says that one bad sample is one too many.
 */
export type Goal = { kind: "limit" | "ratio" | "above"; atMost: number; by?: "most" } | { kind: "share"; atLeast: number };

export interface Samples {
  /** What was measured, in a few words. */
  what: string;
  values: number[];
}

export interface Figure extends Samples {
  unit: Unit;
  /** A floor or a peer, measured in turn with ours. Absent only where there is none. */
  beside?: Samples;
  /** Absent: the figure has no goal. */
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

/** What is compared with the goal (seconds, a ratio, megabytes or requests), and whether the goal is met. */
export function judge({ values, beside }: Figure, goal: Goal): { value: number; met: boolean } {
  const counted = (samples: readonly number[]) => spreadOf(samples)[("by" in goal ? goal.by : undefined) ?? "median"];
  const floor = () => {
    if (beside === undefined) throw new Error(`a goal of kind ${goal.kind} needs a floor`);
    return counted(beside.values);
  };
  const own = counted(values);
  if (goal.kind === "share") {
    const value = own / floor();
    return { value, met: value >= goal.atLeast };
  }
  const value = goal.kind === "limit" ? own : goal.kind === "ratio" ? own / floor() : own - floor();
  return { value, met: value <= goal.atMost };
}
