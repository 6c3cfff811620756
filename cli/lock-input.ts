import { isElsewhere } from "../components/bundle/requirements.ts";
import { readInside, refusalIssue } from "../components/text/files.ts";
import { quoteName } from "../components/text/quote.ts";
import { UserError } from "./user-error.ts";

/** Bytes of an input, and files that it may be made of. */
const most = 2 ** 20;
const mostFiles = 100;

/** Options that say where libraries come from. */
const options = /^--no-index$|^(?:-i|--index-url|--extra-index-url|-f|--find-links)(?:=| +)([^\s\\]+)$/;
/** What uv finds wherever it runs. */
const absolute = /^(?:https?:\/\/|file:\/\/\/|\/)/;
/** uv puts in variables of whoever runs it, also into an address that it asks: a stranger would learn a password. */
const variable = "${";
/** The same in TOML, which has other ways to write both characters. */
const variableInProject = /\$\{|\\(?:u00|U000000|x)(?:24|7b)/i;
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
      const refuse = (message: string, fix: string) => new UserError(`${shown}/${name}:${index + 1}: ${message}`, fix);
      const isLibrary = /^[A-Za-z0-9][^\p{Cc}\p{Zl}\p{Zp}\\]*$/u.test(line);
      const [isOption, place = "/"] = options.exec(line) ?? [];
      if (other !== undefined) add(`${below}${other}`, /^(?:-c|--constraint)$/.test(option) ? "constraints" : to);
      else if (line === "") continue;
      else if (line.includes(variable)) throw refuse(`${quoteName(line)} has a variable of whoever runs silver lock`, ownIndex);
      else if (!absolute.test(place))
        throw refuse(
          `${quoteName(place)} is relative, and uv runs elsewhere`,
          "write its whole path, or an address with https://",
        );
      else if (isLibrary && isElsewhere(line))
        throw refuse(
          `${quoteName(line)} names a place, but libraries come only from an index`,
          "write its name, or vendor it into lib/python",
        );
      else if (isOption !== undefined || isLibrary) lines[to].push(line);
      else
        throw refuse(
          `${quoteName(line)} is no line that silver lock takes`,
          "write a library a line, by its name; beside them -r and -c of files of the app, and where libraries come from",
        );
    }
  };
  add(file, "requirements");
  const text = (all: readonly string[]) => all.map((line) => `${line}\n`).join("");
  return { requirements: text(lines.requirements), constraints: text(lines.constraints) };
}

const ownIndex = "name that index by UV_INDEX instead";

/**
 * A pyproject.toml.
 * @throws UserError where it would bring a variable of whoever runs uv into it
 */
export function readProject(directory: string, name: string, shown: string): string {
  const text = readOwn(directory, name, shown);
  if (variableInProject.test(text))
    throw new UserError(`${shown}/${name} has a variable of whoever runs silver lock, such as \${TOKEN}`, ownIndex);
  return text;
}

function readLines(directory: string, name: string, shown: string): string[] {
  return readOwn(directory, name, shown)
    .replace(/^\uFEFF/, "")
    .split(/\r?\n/)
    .map((line) => line.replace(/(^|\s)#.*$/, "").replace(/^[ \t]+|[ \t]+$/g, ""));
}

/**
 * A file of the app.
 * @throws UserError where it is none, such as a link that leads out
 */
function readOwn(directory: string, name: string, shown: string): string {
  const bytes = readInside(directory, name, most);
  if (typeof bytes !== "string") return bytes.toString();
  const { message, fix } = refusalIssue(bytes, `${shown}/${name}`, most);
  throw new UserError(message, fix);
}
