import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Figure } from "./figure.ts";

/** One bench as it was last measured. */
export interface Result {
  name: string;
  title: string;
  how: string;
  /** YYYY-MM-DD. */
  date: string;
  /** The machine and the programs, without its name. */
  machine: string;
  figures: Figure[];
}

const file = join(import.meta.dirname, "../results.json");

/** In the order in which the benches are listed. */
export function readResults(): Result[] {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Result[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

/**
 * Replaces the results of the benches that ran; the rest stays.
 * @param order names of all benches; results of any other are dropped
 */
export function mergeResults(old: readonly Result[], measured: readonly Result[], order: readonly string[]): Result[] {
  const byName = new Map([...old, ...measured].map((result) => [result.name, result]));
  return order.flatMap((name) => byName.get(name) ?? []);
}

export function writeResults(results: readonly Result[]): void {
  // A tenth of a millisecond, of a kilobyte: below what is measured.
  const round = (_key: string, value: unknown) => (typeof value === "number" ? Math.round(value * 1e4) / 1e4 : value);
  writeFileSync(file, `${JSON.stringify(results, round, 1)}\n`);
}
