import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";

export const goldenDirectory = join(import.meta.dirname, "../golden/files");

/**
 * Holds a generated text against the file of this name under test/golden/files/. `npm run golden` writes the files anew:
 * their diff is what a reviewer reads.
 */
export function expectGolden(name: string, text: string): void {
  const file = join(goldenDirectory, name);
  if (process.env.UPDATE_GOLDEN === "1") {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text, `${name} differs from its golden file: npm run golden`).toBe(readFileSync(file, "utf8"));
}
