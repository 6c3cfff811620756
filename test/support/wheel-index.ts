import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A wheel that holds one module. */
export interface SmallWheel {
  name: string;
  version: string;
  /** Python and ABI and platform, as its file is named. Default: any. */
  tag?: string;
  /** Lines of its metadata, e.g. `Requires-Dist: other`. */
  metadata?: string[];
  /** Other files of it: path → content. */
  files?: Record<string, string>;
}

const write = `
import json, sys, zipfile
path, files = sys.argv[1], json.load(sys.stdin)
with zipfile.ZipFile(path, "w") as wheel:
    for name, content in files.items():
        wheel.writestr(zipfile.ZipInfo(name), content)
`;

/**
 * Writes a wheel into a directory.
 * @returns SHA-256 in hex
 */
export function writeWheel(
  directory: string,
  { name, version, tag = "py3-none-any", metadata = [], files = {} }: SmallWheel,
): string {
  const path = join(directory, `${name}-${version}-${tag}.whl`);
  const info = `${name}-${version}.dist-info`;
  const lines = ["Metadata-Version: 2.1", `Name: ${name}`, `Version: ${version}`, ...metadata];
  const all = {
    [`${name}.py`]: `tag = "${tag}"\n`,
    ...files,
    [`${info}/METADATA`]: `${lines.join("\n")}\n`,
    [`${info}/WHEEL`]: `Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: ${tag}\n`,
  };
  const record = [...Object.keys(all), `${info}/RECORD`].map((file) => `${file},,\n`).join("");
  execFileSync("python3", ["-c", write, path], { input: JSON.stringify({ ...all, [`${info}/RECORD`]: record }) });
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
