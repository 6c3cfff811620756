import { hash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { zipSync, zlibSync } from "fflate";
import type { ZippableFile } from "fflate";

/** The agent as one file that `python3` runs. */
export interface Zipapp {
  bytes: Uint8Array;
  /**
   * How it travels, in zlib's format: Pulumi stores, sends and logs a command's stdin a dozen times in each run. By a JavaScript library:
   * Node's own zlib has code for each kind of processor, and different bytes would show up as a change in a preview.
   */
  compressed: Uint8Array;
  /** Of `bytes`, in hex. */
  sha256: string;
}

const sources = new URL("agent/", import.meta.url);

/** 1 January 1980, the zip format's zero: a file's own time is not part of its content. */
const mtime = new Date(1980, 0, 1);
/** From Unix; a plain file of mode 0644. */
const unix = { os: 3, attrs: 0o100644 * 0x10000 };

/**
 * Packs the agent's sources into a zipapp: the same bytes from the same sources, on every machine.
 * On the node nothing is compressed: Python reads it faster.
 */
export function agentZipapp(): Zipapp {
  const names = globSync("**/*.{py,json}", { cwd: sources })
    .map((name) => name.replaceAll("\\", "/"))
    .sort();
  const files = names.map((name): [string, ZippableFile] => [name, [readFileSync(new URL(name, sources)), { mtime, ...unix }]]);
  const bytes = zipSync(Object.fromEntries(files), { level: 0 });
  return { bytes, compressed: zlibSync(bytes), sha256: hash("sha256", bytes) };
}
