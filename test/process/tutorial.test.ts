// docs/tutorial.md, as far as it needs neither Pulumi nor a node: its commands, its edits, and what it says is printed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineCheckout } from "../support/checkout.ts";
import { matches, nameOf, stepsOf, take } from "../support/walk.ts";

const root = join(import.meta.dirname, "../..");
const steps = stepsOf(readFileSync(join(root, "docs/tutorial.md"), "utf8"));

describe("docs/tutorial.md", () => {
  let checkout: Awaited<ReturnType<typeof offlineCheckout>>;
  beforeAll(async () => {
    checkout = await offlineCheckout();
    await checkout.sh("git switch -qc blog");
  });
  afterAll(() => {
    checkout.remove();
  });

  test.each(steps.filter(({ needsNode }) => !needsNode).map((step) => [nameOf(step), step] as const))("%s", async (_, step) => {
    await take(checkout, step);
  });
});

test.each([
  [
    "ids, addresses and times",
    "live 1.0.0-0a1b2c3d.4e5f6071 at 10.0.0.1:80 · 0.3 s\n",
    "live 1.0.0-ffffffff.00000000 at 10.86.2.2:8080 · 12 s\n",
    true,
  ],
  ["a version", "live 1.0.0\n", "live 1.0.1\n", false],
  ["a line that is left out", "a\n…\nz\n", "a\nb\nc\nz\n", true],
  ["a line that is not", "a\nz\n", "a\nb\nz\n", false],
  ["an end that is missing", "a\n…\nz\n", "a\nb\n", false],
  [
    "a line of a command",
    " ~  x-rollout web1 flip\n",
    " ~  command:local:Command x-rollout updating (2s) [diff: ~environment]; web1 flip\n",
    true,
  ],
])("compares outputs: %s", (_, expected, found, isSame) => {
  expect(matches(expected, found)).toBe(isSame);
});
