import { hash } from "node:crypto";
import { lstatSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { BundleEntry } from "../bundle/bundle.ts";

/**
 * The contents of a directory that a program made, in listing order, without compiled Python: the node makes its own.
 * @throws Error for a link or a special file: wheels have none
 * @throws Error where a link or a special file stands in it: wheels have none
 */
export function listTree(directory: string): BundleEntry[] {
  const entries: BundleEntry[] = [];
  const walk = (below: string): void => {
    for (const entry of readdirSync(join(directory, below), { withFileTypes: true })) {
      const path = below === "" ? entry.name : `${below}/${entry.name}`;
      if (entry.isDirectory()) {
        if (entry.name !== "__pycache__") walk(path);
      } else if (entry.isFile()) {
        const bytes = readFileSync(join(directory, path));
        const executable = (lstatSync(join(directory, path)).mode & 0o100) !== 0;
        const sha256 = hash("sha256", bytes);
        entries.push({ path, type: "file", executable, sha256, size: bytes.length });
      } else {
        throw new Error(`${path} is not a plain file`);
      }
    }
  };
  walk("");
  return entries.sort((one, other) => Buffer.compare(Buffer.from(one.path), Buffer.from(other.path)));
}
