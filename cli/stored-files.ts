import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { askGit } from "./git.ts";
import { UserError } from "./user-error.ts";

/** A file of a commit, as git keeps it. */
export interface StoredFile {
  path: string;
  /** The same, one character a byte: it may not be UTF-8. */
  raw: string;
  kind: "file" | "executable" | "link" | "submodule";
  object: string;
  size: number;
}

const kinds: Record<string, StoredFile["kind"]> = { "100755": "executable", "120000": "link", "160000": "submodule" };

/**
 * All files of a tree.
 * @param tree a commit, or `commit:directory`; paths are relative to it
 */
export function storedFiles(root: string, tree: string): StoredFile[] {
  const listed = askGit(root, ["ls-tree", "-r", "-z", "--long", "--full-tree", tree]).toString("latin1");
  return listed.split("\0").flatMap((line) => {
    const [, mode = "", object = "", size, raw] = /^(\d+) \w+ (\w+) +(\d+|-)\t([^]+)$/.exec(line) ?? [];
    if (raw === undefined) return [];
    return [{ path: bytesOf(raw).toString(), raw, kind: kinds[mode] ?? "file", object, size: Number(size) || 0 }];
  });
}

/** Whether a file can be written under its name, and found again by it. */
export function isNameSafe({ path, raw }: StoredFile): boolean {
  return bytesOf(raw).equals(Buffer.from(path)) && path.split("/").every((part) => !/^(?:|\.|\.\.|\.git)$/i.test(part));
}

/**
 * Writes files with exactly the bytes that git keeps, into a directory that has none of them yet; submodules are left out. A checkout
 * would apply attributes: those of the files themselves, which may be a stranger's, choose among the programs that are configured here.
 */
export function writeStored(root: string, files: readonly StoredFile[], to: string): void {
  const [links, others] = [true, false].map((is) => files.filter(({ kind }) => kind !== "submodule" && (kind === "link") === is));
  const place = (raw: string) => Buffer.concat([Buffer.from(`${to}/`), bytesOf(raw)]);
  // Directories first and links last, so that nothing is written through a link: a tree made by hand may have both by one name.
  for (const directory of new Set(files.map(({ raw }) => dirname(raw)))) mkdirSync(place(directory), { recursive: true });
  for (const [{ raw, kind }, bytes] of contents(root, [...(others ?? []), ...(links ?? [])])) {
    if (kind === "link") symlinkSync(bytes, place(raw));
    else writeFileSync(place(raw), bytes, { flag: "wx", mode: kind === "executable" ? 0o777 : 0o666 });
  }
}

/** Bytes that are asked for at once. */
const mostAtOnce = 2 ** 26;

function* contents(root: string, files: readonly StoredFile[]): Generator<[StoredFile, Buffer]> {
  for (let next = 0; next < files.length;) {
    let end = next;
    for (let bytes = 0; end < files.length && (end === next || bytes + (files[end]?.size ?? 0) <= mostAtOnce); end++)
      bytes += files[end]?.size ?? 0;
    yield* contentsAtOnce(root, files.slice(next, end));
    next = end;
  }
}

function* contentsAtOnce(root: string, files: readonly StoredFile[]): Generator<[StoredFile, Buffer]> {
  const answer = askGit(root, ["cat-file", "--batch"], { input: files.map(({ object }) => `${object}\n`).join("") });
  let at = 0;
  for (const file of files) {
    const head = `${file.object} blob ${file.size}\n`;
    const start = at + head.length;
    if (answer.toString("latin1", at, start) !== head)
      throw new UserError(`git does not have all of ${JSON.stringify(file.path)}`);
    at = start + file.size + 1;
    yield [file, answer.subarray(start, at - 1)];
  }
}

function bytesOf(raw: string): Buffer {
  return Buffer.from(raw, "latin1");
}
