import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import type { Code } from "../text/code.ts";
import { realDirectory } from "../text/files.ts";
import type { Issue, Parsed } from "../text/issue.ts";
import { printableJson } from "../text/printable.ts";
import type { Bundle, BundleEntry } from "./bundle.ts";
import { isIgnored } from "./ignored-names.ts";
import { bundleListing, listingDigest } from "./listing.ts";
import { resolveLink } from "./resolve-link.ts";

/**
 * Reads an app's directory into a bundle. The result depends only on names, bytes, the owner's execute bit and link targets,
 * not on mtimes, owners, umask, the clone's path or the order of directories. Reports everything that can't be shipped at once.
 *
 * @param root The project's root, absolute.
 * @param app The app's directory relative to `root`, with forward slashes.
 * @param version The manifest's version. Default: none, the bundle's id is its content id alone.
 */
export function packBundle(root: string, app: string, version?: string): Parsed<Bundle> {
  const { value: tree, issues } = packTree(root, app, "app");
  if (tree === undefined) return { issues };
  const content = tree.digest.slice(0, 8);
  return { value: { id: version === undefined ? content : `${version}-${content}`, app, ...tree }, issues };
}

/** Entries of a directory, sorted, and the SHA-256 of their listing. */
type Tree = Pick<Bundle, "digest" | "entries">;

/**
 * Reads any directory like a bundle's.
 * @param directory Relative to `root`, with forward slashes.
 * @param noun What messages call it.
 */
export function packTree(root: string, directory: string, noun: "app" | "directory"): Parsed<Tree> {
  const found = realDirectory(root, directory);
  if (!("real" in found)) return { issues: [found] };
  const packing: Packing = { directory, noun, issues: [], entries: [], real: found.real };
  packDirectory(packing, "");
  const entries = packing.entries
    .map((entry) => ({ entry, bytes: Buffer.from(entry.path) }))
    .sort((one, other) => one.bytes.compare(other.bytes))
    .map(({ entry }) => entry);
  refuseCollisions(packing, entries);
  if (packing.issues.length > 0) return { issues: packing.issues };
  return { value: { digest: listingDigest(bundleListing({ entries })), entries }, issues: [] };
}

interface Packing {
  directory: string;
  noun: string;
  /** The directory without symbolic links. */
  real: string;
  entries: BundleEntry[];
  issues: Issue[];
}

function refuse(packing: Packing, code: Code, at: string, message: string, fix: string): void {
  const file = at === "" ? packing.directory : `${packing.directory}/${printable(at)}`;
  packing.issues.push({ code, severity: "error", place: { file }, message, fix });
}

/** Without control characters, so that a file's name can't control a terminal. */
const printable = (text: string): string => printableJson(text).slice(1, -1);

/** Asynchronous reading is no faster here: 2,000 small files are read and hashed in well under 0.1 s this way. */
function packDirectory(packing: Packing, directory: string): void {
  const names = attempt(packing, directory, () => readdirSync(`${packing.real}/${directory}`, { encoding: "buffer" }));
  if (names?.some((name) => name.toString() === "pyvenv.cfg")) {
    // Made by a tool, for this machine's Python: git never has it, and a node has Python and libraries of its own.
    if (directory !== "") return;
    const fix = "make the environment in .venv instead, and delete pyvenv.cfg, bin, include, lib and lib64 here";
    refuse(packing, "special-file", "", `the ${packing.noun} itself is a virtual environment of Python (pyvenv.cfg)`, fix);
    return;
  }
  for (const bytes of names?.sort((one, other) => one.compare(other)) ?? []) {
    const name = bytes.toString();
    const file = directory === "" ? name : `${directory}/${name}`;
    if (!isUtf8(bytes)) {
      refuse(packing, "file-name", file, "a file's name is not valid UTF-8", "rename the file: names travel as UTF-8");
    } else if (!isIgnored(name)) {
      packEntry(packing, file);
    }
  }
}

/** Bytes of a file, which is read at once. */
const FILE_MAX = 2 ** 31 - 1;

function packEntry(packing: Packing, file: string): void {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(file)) {
    const message = "a file's name contains a control character or a line separator";
    refuse(packing, "file-name", file, message, "rename the file without newlines, tabs, U+0085, U+2028 and the like");
    return;
  }
  const absolute = `${packing.real}/${file}`;
  const stats = attempt(packing, file, () => lstatSync(absolute));
  if (stats === undefined) return;
  if (stats.isDirectory()) {
    packDirectory(packing, file);
  } else if (stats.isSymbolicLink()) {
    packLink(packing, file);
  } else if (stats.isFile() && stats.size > FILE_MAX) {
    const message = `the file has ${(stats.size / 2 ** 30).toFixed(1)} GB; the most is 2 GB, since each release carries it`;
    refuse(packing, "too-large", file, message, `keep it outside the ${packing.noun}, e.g. in a service of the type files`);
  } else if (stats.isFile()) {
    const bytes = attempt(packing, file, () => readFileSync(absolute));
    if (bytes === undefined) return;
    const sha256 = hash("sha256", bytes);
    packing.entries.push({ path: file, type: "file", executable: (stats.mode & 0o100) !== 0, sha256, size: bytes.length });
  } else {
    refuse(
      packing,
      "special-file",
      file,
      "sockets, pipes and devices can't be shipped",
      `remove it, or keep it outside the ${packing.noun}`,
    );
  }
}

function packLink(packing: Packing, file: string): void {
  const absolute = `${packing.real}/${file}`;
  const bytes = attempt(packing, file, () => readlinkSync(absolute, { encoding: "buffer" }));
  if (bytes === undefined) return;
  const target = bytes.toString();
  const shown = `the link points to ${JSON.stringify(target)}`;
  if (!isUtf8(bytes)) {
    refuse(packing, "file-name", file, "a link's target is not valid UTF-8", "rename what it points to");
    return;
  }
  const end = resolveLink(packing.real, file);
  const modules = /^(?:.*\/)?node_modules(?=\/)/.exec(file)?.[0];
  if (modules !== undefined && typeof end === "string") {
    // As many links as there are programs, and one thing to do.
    if (packing.issues.some(({ place }) => place.file === `${packing.directory}/${printable(modules)}`)) return;
    const fix = `ship what its build makes, not node_modules; or run npm ci there again`;
    refuse(packing, "dangling-link", modules, `it has links that lead ${end}, such as ${printable(file)}`, fix);
  } else if (end === "outside") {
    refuse(
      packing,
      "leads-out",
      file,
      `${shown}, outside the ${packing.noun}`,
      `copy what it points to into the ${packing.noun}`,
    );
  } else if (end === "nowhere") {
    refuse(packing, "dangling-link", file, `${shown}, which does not exist`, "remove the link, or add what it points to");
  } else if (end.inside.split("/").some(isIgnored)) {
    refuse(packing, "leads-out", file, `${shown}, which is never shipped`, "remove the link");
  } else {
    packing.entries.push({ path: file, type: "link", target });
  }
}

/** Two names that another machine's file system treats as one would give another bundle there. */
function refuseCollisions(packing: Packing, entries: BundleEntry[]): void {
  const seen = new Map<string, string>();
  for (const { path: file } of entries) {
    for (let end = file.indexOf("/"); ; end = file.indexOf("/", end + 1)) {
      const name = end === -1 ? file : file.slice(0, end);
      const folded = name.normalize("NFC").toLowerCase();
      const other = seen.get(folded) ?? name;
      seen.set(folded, other);
      if (other !== name) {
        const both = `${JSON.stringify(other)} and ${JSON.stringify(name)}`;
        const message = `${both} are the same name on machines that ignore case or the form of accents`;
        refuse(packing, "file-name", name, message, "rename one of them");
      }
      if (end === -1 || other !== name) break;
    }
  }
}

function attempt<T>(packing: Packing, file: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    refuse(packing, "unreadable", file, `can't be read (${reason})`, "give the user who deploys the right to read it");
    return undefined;
  }
}
