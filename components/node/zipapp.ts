import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { crc32 } from "node:zlib";

/** The agent as one file that `python3` runs. */
export interface Zipapp {
  bytes: Uint8Array;
  /** Hex. */
  sha256: string;
}

const sources = new URL("agent/", import.meta.url);

/**
 * Packs the agent's sources into a zipapp: the same bytes from the same sources, on every machine.
 * Nothing is compressed: a compressor's version would show in the bytes, and Python reads it faster.
 */
export function agentZipapp(): Zipapp {
  const names = globSync("**/*.py", { cwd: sources })
    .map((name) => name.replaceAll("\\", "/"))
    .sort();
  const bytes = zip(names.map((name) => ({ name, content: readFileSync(new URL(name, sources)) })));
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

interface ZipEntry {
  name: string;
  content: Uint8Array;
}

/** 1 January 1980, the zip format's zero: a file's own time says nothing about its content. */
const date = 0x21;
const time = 0;

/** A zip archive of stored entries (APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16). */
function zip(entries: readonly ZipEntry[]): Uint8Array {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of entries) {
    const path = Buffer.from(name);
    const local = Buffer.concat([fields([4, 0x04034b50], ...common(content, path), [2, 0]), path, content]);
    // Made by Unix; a plain file of mode 0644.
    const head = fields(
      [4, 0x02014b50],
      [2, 0x0314],
      ...common(content, path),
      [2, 0],
      [2, 0],
      [2, 0],
      [2, 0],
      [4, 0o100644 * 0x10000],
      [4, offset],
    );
    locals.push(local);
    central.push(head, path);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const count = entries.length;
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, count], [2, count], [4, directory.length], [4, offset], [2, 0]);
  return Buffer.concat([...locals, directory, end]);
}

/** What stands in front of a file and in the directory alike: version, flags, method (stored), time, date, checksum, sizes, name's length. */
const common = (content: Uint8Array, path: Uint8Array): Field[] => [
  [2, 10],
  [2, 0],
  [2, 0],
  [2, time],
  [2, date],
  [4, crc32(content)],
  [4, content.length],
  [4, content.length],
  [2, path.length],
];

type Field = readonly [bytes: 2 | 4, value: number];

function fields(...list: readonly Field[]): Buffer {
  return Buffer.concat(
    list.map(([bytes, value]) => {
      const buffer = Buffer.alloc(bytes);
      buffer.writeUIntLE(value, 0, bytes);
      return buffer;
    }),
  );
}
