// Exits 0 when node_modules matches package-lock.json, 1 when `npm ci` must run. Argument: the checkout.
// npm leaves a lockfile of what it installed in node_modules; only packages for other machines may be absent there.
import { readFileSync } from "node:fs";
import { join } from "node:path";

interface LockedPackage {
  version?: string;
  integrity?: string;
  optional?: boolean;
}

/** The packages of a lockfile by their folder; undefined when there is no such file. */
function readLock(path: string): Record<string, LockedPackage> | undefined {
  try {
    return (JSON.parse(readFileSync(path, "utf8")) as { packages: Record<string, LockedPackage> }).packages;
  } catch {
    return undefined;
  }
}

const root = process.argv[2] ?? ".";
const wanted = readLock(join(root, "package-lock.json"));
const installed = readLock(join(root, "node_modules/.package-lock.json"));

const missing = Object.entries(wanted ?? {}).find(([folder, { version, integrity, optional }]) => {
  const there = installed?.[folder];
  if (folder === "" || (there === undefined && optional === true)) return false;
  return there?.version !== version || there?.integrity !== integrity;
});

process.exitCode = wanted === undefined || installed === undefined || missing !== undefined ? 1 : 0;
