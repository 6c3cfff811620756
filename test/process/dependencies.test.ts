import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";

type Packages = Record<string, { version?: string; integrity?: string; optional?: boolean }>;

const script = resolve(import.meta.dirname, "../../scripts/dependencies.ts");

/** Does scripts/dependencies.ts say that `npm ci` can be left out? */
function upToDate(wanted: Packages | undefined, installed: Packages | undefined): boolean {
  const directory = mkdtempSync(join(tmpdir(), "silver-dependencies-"));
  onTestFinished(() => {
    rmSync(directory, { recursive: true });
  });
  mkdirSync(join(directory, "node_modules"));
  if (wanted) writeFileSync(join(directory, "package-lock.json"), JSON.stringify({ packages: wanted }));
  if (installed) writeFileSync(join(directory, "node_modules/.package-lock.json"), JSON.stringify({ packages: installed }));
  const { status, stderr } = spawnSync(process.execPath, [script, directory], { encoding: "utf8" });
  expect(stderr).toBe("");
  return status === 0;
}

const zod = { "node_modules/zod": { version: "4.6.7", integrity: "sha512-a" } };

test.each<[string, Packages | undefined, Packages | undefined, boolean]>([
  ["holds what the lockfile names", { "": {}, ...zod }, zod, true],
  ["is not there", zod, undefined, false],
  ["lacks a package", { ...zod, "node_modules/yaml": { version: "2.9.1" } }, zod, false],
  ["holds another version", zod, { "node_modules/zod": { version: "4.6.6", integrity: "sha512-a" } }, false],
  ["holds other bytes", zod, { "node_modules/zod": { version: "4.6.7", integrity: "sha512-b" } }, false],
  ["lacks a package for other machines", { ...zod, "node_modules/x-arm64": { version: "1.0.0", optional: true } }, zod, true],
  [
    "holds another version of an optional package",
    { "node_modules/x": { version: "2.0.0", optional: true } },
    { "node_modules/x": { version: "1.0.0", optional: true } },
    false,
  ],
])("is told from node_modules that %s", (_, wanted, installed, answer) => {
  expect(upToDate(wanted, installed)).toBe(answer);
});
