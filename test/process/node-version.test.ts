// What a person reads who starts something with a Node that is too old for TypeScript.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");

/** Runs a program of Node that takes itself for another version. */
function startAs(version: string, ...words: string[]) {
  const disguise = `data:text/javascript,Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`;
  return spawnSync(process.execPath, ["--import", disguise, ...words], { cwd: checkout, encoding: "utf8" });
}

test.each([
  ["silver", "18.20.4", ["cli/silver.js", "--help"]],
  ["silver", "22.17.1", ["cli/silver.js", "--help"]],
  ["vitest", "20.20.2", ["node_modules/vitest/vitest.mjs", "list"]],
])("%s on Node %s says which one it needs and how to get it, and nothing else", (_, version, words) => {
  const { status, stdout, stderr } = startAs(version, ...words);
  expect(stdout + stderr).toBe(
    `✗ This needs Node 22.18 or newer, and this is ${version}.\n` +
      '  Run: eval "$(sh scripts/env.sh)" (puts a newer one on the PATH of this shell)\n',
  );
  expect(status).toBe(1);
});

test.each(["22.18.0", "23.0.0", "24.21.0"])("silver runs on Node %s", (version) => {
  const { status, stdout } = startAs(version, "cli/silver.js", "--help");
  expect(stdout).toContain("Usage: silver");
  expect(status).toBe(0);
});
