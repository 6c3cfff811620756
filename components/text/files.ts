import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readSync,
  realpathSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import type { Code } from "./code.ts";
import { error, type Issue } from "./issue.ts";

/** Why a file is not read. */
export type Refusal = "missing" | "outside" | "not-a-file" | "too-large" | "unreadable";

/** Bytes of a file of which an issue shows a line. */
const mostShown = 4 * 1024 ** 2;

/**
 * Reads what others wrote, on a machine that has files of its own: only a regular file whose real path is inside a directory, and
 * without waiting for the other side of a pipe.
 *
 * @param path relative to `directory`
 * @param most bytes
 */
export function readInside(directory: string, path: string, most: number): Buffer | Refusal {
  const found = realInside(directory, path);
  if (typeof found === "string") return found;
  try {
    if (!lstatSync(found.real).isFile()) return "not-a-file";
    const file = openSync(found.real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      return fstatSync(file).isFile() ? readMost(file, most) : "not-a-file";
    } finally {
      closeSync(file);
    }
  } catch {
    return "unreadable";
  }
}

/** Never more than `most` bytes and one, whatever the size is said to be. */
function readMost(file: number, most: number): Buffer | "too-large" {
  if (fstatSync(file).size > most) return "too-large";
  const bytes = Buffer.allocUnsafe(most + 1);
  let length = 0;
  for (let read = -1; read !== 0 && length <= most; length += read)
    read = readSync(file, bytes, length, bytes.length - length, null);
  return length > most ? "too-large" : Buffer.from(bytes.subarray(0, length));
}

/**
 * The real path of what is inside a directory.
 * @param path relative to `directory`
 */
export function realInside(directory: string, path: string): { real: string } | "missing" | "outside" {
  try {
    // Not realpathSync itself, which makes a separate call for each directory on the way.
    const real = realpathSync.native(join(directory, path));
    return real.startsWith(realpathSync.native(directory) + sep) ? { real } : "outside";
  } catch {
    return "missing";
  }
}

/** Whether no link is on the way to what is there. */
function isReachedByLink(root: string, path: string): boolean {
  return realpathSync.native(join(root, path)) !== join(realpathSync.native(root), path);
}

/**
 * The real path of a directory that an environment names; or the reason why it is not taken: a link instead of it or on the way to it
 * may lead to any other, and hidden directories (.git, .silver) hold what belongs to the machine.
 *
 * @param root the project's directory
 * @param directory relative to it
 */
export function realDirectory(root: string, directory: string): { real: string } | Issue {
  const refuse = (code: Code, message: string, fix: string) => error(code, { file: directory }, message, fix);
  if (directory.split("/").some((name) => /^\.(?!\.$)/.test(name)))
    return refuse(
      "leads-out",
      `${directory} is in a hidden directory, which nothing is shipped from`,
      "move it to another place",
    );
  const path = join(root, directory);
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true)
    return refuse("missing-file", `there is no directory ${JSON.stringify(directory)}`, "correct the path, or add the directory");
  if (isReachedByLink(root, directory))
    return refuse("leads-out", `a link leads to ${directory}`, "replace the link with the directory itself");
  return { real: realpathSync.native(path) };
}

/** The issue of a file that `readInside` refused. */
export function refusalIssue(refusal: Refusal, file: string, most: number): Issue {
  const place = { file };
  switch (refusal) {
    case "missing":
      return error("missing-file", place, `${file} does not exist`, "create it, or correct the path");
    case "outside":
      return error(
        "leads-out",
        place,
        `${file} is a link that leads out of its directory`,
        "replace the link with the file itself",
      );
    case "not-a-file":
      return error("missing-file", place, `${file} is not a regular file`, "replace it with a file");
    case "too-large":
      return error("too-large", place, `the file has more than ${most} bytes`, "move data into files of the app");
    case "unreadable":
      return error("unreadable", place, `${file} can't be read`, "give the user who deploys the right to read it");
  }
}

/**
 * Reads the files that issues show a line of: regular ones, without any link on the way.
 * @param root the project's directory
 * @returns for `renderIssues`
 */
export function shownFrom(root: string): (file: string) => string | undefined {
  return (file) => {
    if (!existsSync(join(root, file)) || isReachedByLink(root, file)) return undefined;
    const bytes = readInside(dirname(join(root, file)), basename(file), mostShown);
    return typeof bytes === "string" ? undefined : bytes.toString();
  };
}

/** Something below a directory. */
export interface Found {
  /** Relative to the directory, with forward slashes. */
  path: string;
  isFile: boolean;
}

/**
 * Everything below a directory. Links are followed to directories inside `home`, and to each of them once: two links to a directory
 * above them would lead through it without an end.
 *
 * @param home real path of the directory that nothing leads out of
 * @param directory relative to it; nothing is found where it is missing or leads out
 */
export function walkInside(home: string, directory: string): Found[] {
  const seen = new Set<string>();
  const walk = (path: string, below: string): Found[] => {
    const found = realInside(home, path);
    if (typeof found === "string" || seen.has(found.real)) return [];
    seen.add(found.real);
    return readdirSync(found.real, { withFileTypes: true }).flatMap((entry) => {
      const [at, name] = [`${path}/${entry.name}`, `${below}${entry.name}`];
      return [{ path: name, isFile: entry.isFile() }, ...(isDirectory(home, at) ? walk(at, `${name}/`) : [])];
    });
  };
  return isDirectory(home, directory) ? walk(directory, "") : [];
}

/** Whether a path is a directory inside another, perhaps by a link. */
function isDirectory(home: string, path: string): boolean {
  const found = realInside(home, path);
  return typeof found !== "string" && lstatSync(found.real).isDirectory();
}
