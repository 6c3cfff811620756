import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import type { Issue } from "../../components/text/issue.ts";

/** One file of test/fixtures. */
export interface Fixture {
  /** File name, with its ending. */
  name: string;
  text: string;
  path: string;
}

const root = fileURLToPath(new URL("../fixtures", import.meta.url));

/** The fixtures of a directory below test/fixtures, without the messages beside them. */
export function fixturesIn(directory: string): Fixture[] {
  return readdirSync(join(root, directory))
    .filter((name) => extname(name) !== ".txt")
    .map((name) => {
      const path = join(root, directory, name);
      return { name, path, text: readFileSync(path, "utf8") };
    });
}

/** Issues as the files of messages have them: two lines each. */
export function issueLines(issues: readonly Issue[]): string {
  return issues
    .map(({ code, severity, place, message, fix }) => {
      const at = `${place.line ?? "-"}:${place.column ?? "-"}`;
      return `${at} ${severity} [${code}] ${message}\n  ${fix ?? "(no fix)"}\n`;
    })
    .join("");
}

/** Holds the issues of a fixture against the messages beside it; `npm run golden` writes these anew. */
export function expectIssues({ path }: Fixture, issues: readonly Issue[]): void {
  const file = `${path}.txt`;
  const found = issueLines(issues);
  if (process.env.UPDATE_GOLDEN !== undefined) writeFileSync(file, found);
  expect(found).toBe(existsSync(file) ? readFileSync(file, "utf8") : "");
}
