import { z } from "zod";
import { field, text } from "../text/schema/fields.ts";
import { quote } from "../text/quote.ts";
import { leadsOut, pathRule, tidyPath, WRITTEN } from "../text/schema/paths.ts";

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
      const numbers = numbersOf(String(value).trim());
      if (numbers !== undefined) return { fix: `write ${padVersion(numbers)}` };
      return String(value).includes("+")
        ? { fix: `leave out the build metadata: ${String(value).replace(/\+.*/, "")}` }
        : undefined;
    },
    explainNumber: (written) => {
      const numbers = numbersOf(written);
      if (numbers !== undefined) return { fix: `write ${padVersion(numbers)}` };
      if (!new RegExp(`^${TIMESTAMP}$`).test(written)) return { fix: "write for example 1.5.0" };
      return { must: "a text, and without quotes it is read as a number", fix: `put it in quotes: "${written}"` };
    },
  });
}

/** The numbers of a version that lacks some, or has more than numbers around them. */
const numbersOf = (text: string) => /^[v=]?([0-9]{1,7}(?:\.[0-9]{1,7}){0,2})$/.exec(text)?.[1];

/** `1.10` → `1.10.0`, `01.2` → `1.2.0`. */
const padVersion = (numbers: string) => [...numbers.split(".").map(Number), 0, 0].slice(0, 3).join(".");

const FILE = `(?=[^#]*\\.(?:py|php)$)${WRITTEN}`;
const OBJECT = `(?=[^#]*\\.py#)${WRITTEN}#[A-Za-z_][A-Za-z0-9_]*`;
const PASTE = `(?=[^#]*\\.ini(?:#|$))${WRITTEN}(?:#[A-Za-z0-9_.-]{1,100})?`;

/** What is run: a Python or PHP file, an object of a Python file, or an application of a Paste Deploy file, as Silver Lining had them. */
export function runner() {
  const rule = pathRule("the app's directory");
  return field(
    z
      .string()
      .regex(new RegExp(`^(?:${FILE}|${OBJECT}|${PASTE})$`))
      .transform(tidyPath),
    {
      ...rule,
      must: "the path of a Python, PHP or Paste Deploy file inside the app's directory",
      explain: (value) => {
        const [file = "", name] = typeof value === "string" ? value.split(/#(.*)/s) : [];
        if (name === undefined || leadsOut(file)) return rule.explain(file === "" ? value : file);
        if (file.endsWith(".py"))
          return { must: "FILE.py#object, where object is a name of Python", fix: "write src/app.py#app" };
        if (file.endsWith(".ini")) return { must: "FILE.ini#name, the name of a section", fix: "write src/config.ini#main" };
        const bare = file.trim();
        return {
          must: "a file, and only one in Python or of Paste Deploy has a name after it",
          fix: `write ${/^[\w./@:+-]+$/.test(bare) ? bare : quote(bare)}`,
        };
      },
    },
  );
}

const DOTTED = "[A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z_][A-Za-z0-9_]*)*";

/** What checks a configuration: a script of the app by its path, or a function of one of its modules. */
export function checker() {
  const rule = pathRule("the app's directory");
  const pattern = new RegExp(`^(?=.{1,200}$)(?:${DOTTED}:${DOTTED}|${WRITTEN})$`);
  return field(z.string().regex(pattern).transform(tidyPath), {
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
export function command(example = "bin/migrate") {
  const pattern = new RegExp(`^${WRITTEN}(?: +[A-Za-z0-9_.,:=@%/+-]+)*$`);
  return field(z.string().regex(pattern).transform(tidyCommand), {
    code: "bad-command",
    must: "a program inside the app's directory, then plain words (no shell reads them)",
    example,
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

/** Without `./` before the program; its arguments stay as they are. */
const tidyCommand = (text: string) => text.replace(/^(?:\.\/+)+/, "");

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
