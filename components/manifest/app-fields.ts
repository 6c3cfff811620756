import { text } from "../text/schema/fields.ts";
import { leadsOut, PATH, pathRule } from "../text/schema/paths.ts";

const NUMBER = "(?:0|[1-9][0-9]{0,8})";
const PRE_RELEASE = "(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
const SEMVER = `${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${PRE_RELEASE}(?:\\.${PRE_RELEASE})*)?`;
const DATE = "(?:19[7-9][0-9]|2[0-9]{3})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])";
const TIME = "(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?";
const TIMESTAMP = `${DATE}(?:${TIME})?(?:_[0-9]{1,9})?`;

/** Semver without build metadata, or a timestamp. Used in ids, file names and unit names: at most 64 characters. */
export function version() {
  return text(new RegExp(`^(?=.{1,64}$)(?:${SEMVER}|${TIMESTAMP})$`), {
    code: "bad-version",
    must: "semver without build metadata (1.5.0), or a timestamp (20261121_001)",
    example: "1.5.0",
    explain: (value) => {
      const numbers = /^[v=]?([0-9]{1,7}(?:\.[0-9]{1,7}){0,2})$/.exec(String(value).trim())?.[1];
      if (typeof value === "number") {
        const text = numbers === undefined ? String(value) : padVersion(numbers);
        return { must: "a text, and without quotes it is read as a number", fix: `put it in quotes: "${text}"` };
      }
      if (numbers !== undefined) return { fix: `write ${padVersion(numbers)}` };
      return String(value).includes("+")
        ? { fix: `leave out the build metadata: ${String(value).replace(/\+.*/, "")}` }
        : undefined;
    },
  });
}

/** `1.10` → `1.10.0`, `01.2` → `1.2.0`. */
const padVersion = (numbers: string) => [...numbers.split(".").map(Number), 0, 0].slice(0, 3).join(".");

/** Path of the runner: a Python or PHP file. */
export function runner() {
  const rule = pathRule("the app's directory");
  return text(new RegExp(`^(?=.*\\.(?:py|php)$)${PATH}$`), {
    ...rule,
    must: "the path of a Python or PHP file inside the app's directory",
    explain: (value) => {
      if (typeof value === "string" && /\.ini(?:#|$)|\.py#/.test(value)) {
        return {
          code: "not-yet",
          must: "a Python file; such runners are not built yet",
          fix: "write a Python file that defines application",
        };
      }
      return rule.explain(value);
    },
  });
}

const DOTTED = "[A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z_][A-Za-z0-9_]*)*";

/** What checks a configuration: a script of the app by its path, or a function of one of its modules. */
export function checker() {
  const rule = pathRule("the app's directory");
  return text(new RegExp(`^(?=.{1,200}$)(?:${DOTTED}:${DOTTED}|${PATH})$`), {
    ...rule,
    must: "a script inside the app's directory, or module:function",
    example: "bin/check-config",
    explain: (value) => {
      if (typeof value === "string" && /[ \t]/.test(value))
        return { fix: "leave out the arguments: it is called with the directory" };
      return rule.explain(value);
    },
  });
}

/** A program of the app and its arguments, as words: no shell reads them. */
export function command() {
  return text(new RegExp(`^${PATH}(?: +[A-Za-z0-9_.,:=@%/+-]+)*$`), {
    code: "bad-command",
    must: "a program inside the app's directory, then plain words (no shell reads them)",
    example: "bin/migrate",
    explain: (value) => {
      const program = String(value).split(" ")[0] ?? "";
      if (leadsOut(program)) {
        const must = "a program inside the app's directory, and this one leads out of it";
        return { code: "leads-out", must, fix: "give a program of the app by its path, e.g. bin/migrate" };
      }
      return /[|&;<>$`"'*?\\]/.test(String(value)) ? { fix: "put what needs a shell into a script under bin/" } : undefined;
    },
  });
}

/** A path of a URL, below the site's location. */
export function urlPath() {
  return text(/^\/[!-~]{0,500}$/, {
    code: "bad-text",
    must: "a path that begins with /, without spaces",
    example: "/health",
    explain: (value) => (/^[!-.0-9;-~][!-9;-~]*$/.test(String(value)) ? { fix: `write /${String(value)}` } : undefined),
  });
}

/** Name of a Debian package. */
export function packageName() {
  return text(/^[a-z0-9][a-z0-9+.-]{1,63}$/, {
    code: "bad-package",
    must: "the name of a Debian package: lower-case letters, digits, + . and -",
    example: "libjpeg62-turbo",
    explain: (value) => {
      const bare = /^([a-z0-9][a-z0-9+.-]+)[=:/]/.exec(String(value))?.[1];
      if (bare !== undefined) return { fix: `write ${bare}: the node's distribution decides on version and architecture` };
      return /^[a-z0-9+.-]+(?:[ ,]+[a-z0-9+.-]+)+$/.test(String(value))
        ? { fix: "write each package as a value of its own" }
        : undefined;
    },
  });
}
