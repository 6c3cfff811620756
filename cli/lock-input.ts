import { readInside, refusalIssue } from "../components/text/files.ts";
import { quoteName } from "../components/text/quote.ts";
import { UserError } from "./user-error.ts";

/** Bytes of an input, and files that it may be made of. */
const most = 2 ** 20;
const mostFiles = 100;

/** Options that say where libraries come from. */
const options = /^--no-index$|^(?:-i|--index-url|--extra-index-url|-f|--find-links)(?:=| +)[^\s\\]+$/;
const included = /^(-r|--requirement|-c|--constraint)(?:=| *)([A-Za-z0-9_./-]+)$/;

/** What uv is given of an app's lists. */
interface LockInput {
  requirements: string;
  constraints: string;
}

/**
 * Reads a list of libraries with what it includes. Only lines of known forms pass: others have uv build a library, which runs the code of
 * whoever wrote the list on the machine of whoever looks at it.
 * @param directory of the app, a real path
 * @param shown how messages name it
 * @throws UserError at the first line of another form
 */
export function readLockInput(directory: string, file: string, shown: string): LockInput {
  const read: string[] = [];
  const lines = { requirements: [] as string[], constraints: [] as string[] };
  const add = (name: string, to: keyof typeof lines): void => {
    if (read.includes(`${to} ${name}`)) return;
    read.push(`${to} ${name}`);
    if (read.length > mostFiles) throw new UserError(`${shown}/${file} includes more than ${mostFiles} files`, "include fewer");
    for (const [index, line] of readLines(directory, name, shown).entries()) {
      const [, option = "", other] = included.exec(line) ?? [];
      const below = name.includes("/") ? name.slice(0, name.lastIndexOf("/") + 1) : "";
      if (other !== undefined) add(`${below}${other}`, /^(?:-c|--constraint)$/.test(option) ? "constraints" : to);
      else if (line === "" || line.startsWith("#")) continue;
      else if (options.test(line) || /^[A-Za-z0-9][^\p{Cc}\p{Zl}\p{Zp}\\]*$/u.test(line)) lines[to].push(line);
      else
        throw new UserError(
          `${shown}/${name}:${index + 1}: ${quoteName(line)} is no line that silver lock takes`,
          "write a library a line, by its name; beside them -r and -c of files of the app, and where libraries come from",
        );
    }
  };
  add(file, "requirements");
  const text = (all: readonly string[]) => all.map((line) => `${line}\n`).join("");
  return { requirements: text(lines.requirements), constraints: text(lines.constraints) };
}

function readLines(directory: string, name: string, shown: string): string[] {
  return readOwn(directory, name, shown)
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.replace(/^[ \t]+|[ \t]+$/g, ""));
}

/**
 * A file of the app.
 * @throws UserError where it is none, such as a link that leads out
 */
export function readOwn(directory: string, name: string, shown: string): string {
  const bytes = readInside(directory, name, most);
  if (typeof bytes !== "string") return bytes.toString();
  const { message, fix } = refusalIssue(bytes, `${shown}/${name}`, most);
  throw new UserError(message, fix);
}
