import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { iniValue, parseIniDocument, type IniSection } from "../../components/text/ini-document.ts";
import { ConfigParserOracle, type PythonConfig } from "../support/configparser.ts";

// More with e.g. INI_CASES=1000000 npx vitest run --project unit ini-oracle
const numRuns = Number(process.env.INI_CASES ?? 10_000);
const timeout = 60_000 + numRuns * 2;

let oracle: ConfigParserOracle;
beforeAll(() => {
  oracle = new ConfigParserOracle();
});
afterAll(() => {
  oracle.close();
});

/** What our reader makes of a text, in the oracle's words. */
function readByUs(text: string): PythonConfig {
  const { sections, issues } = parseIniDocument(text, "app.ini", "production");
  const refused = issues.find(({ severity }) => severity === "error");
  if (refused) return { refused: refused.place.line ?? 0 };
  const defaults = valuesOf(sections.filter(({ name }) => name === "DEFAULT"));
  const names = [...new Set(sections.map(({ name }) => name))].filter((name) => name !== "DEFAULT");
  return {
    config: Object.fromEntries(
      names.map((name) => [name, { ...defaults, ...valuesOf(sections.filter((each) => each.name === name)) }]),
    ),
  };
}

const valuesOf = (sections: IniSection[]) =>
  Object.fromEntries(sections.flatMap(({ entries }) => entries.map((entry) => [entry.key, iniValue(entry)])));

const oneOf = <T>(...values: T[]) => fc.constantFrom(...values);
const blank = oneOf("", "", " ", "  ", "\t", " \t", "\v", "\f", "\r");
const word = fc.oneof(
  oneOf(
    "app_name",
    "RUNNER",
    "Version",
    "update_fetch",
    "service.db",
    "main.py",
    "%%X%%",
    "%(here)s",
    "%",
    '""',
    '"ok"',
    "/a?b=c#d",
    "script:bin/x",
    "http://a:1",
  ),
  oneOf(
    "#",
    ";",
    "a;b",
    "a;b ;c",
    "rem",
    "Remark",
    "[x]",
    "[",
    "]",
    "=",
    ":",
    "\u00a0",
    "\u2003x",
    "\u0085",
    "Ä",
    "é",
    "\u0130",
    "\ufeff",
    "__proto__",
    "constructor",
    "\x1c",
    "𝒳",
  ),
  fc.string({ maxLength: 8 }).map((text) => text.replaceAll("\n", "")),
);
const words = fc.array(word, { maxLength: 3 }).map((parts) => parts.join(" "));
const value = fc.tuple(blank, words, blank, oneOf("", "", "", ";x", " ; note", "#x", " # note")).map((parts) => parts.join(""));
const key = fc.oneof(
  { weight: 9, arbitrary: oneOf("app_name", "RUNNER", "Version", "service.db", "Ä", "a b", "%", "x#y", "rem", "remark") },
  { weight: 1, arbitrary: word },
);
const keyLine = fc.tuple(key, blank, oneOf("=", "=", ":", " = "), value).map((parts) => parts.join(""));
const continuation = fc.tuple(oneOf(" ", "  ", "\t", "    "), value).map((parts) => parts.join(""));
const header = fc
  .tuple(oneOf("production", "production", "DEFAULT", "default", "devel:x", "a]b", " p "), oneOf("", " ", " ; note", " x"))
  .map(([name, rest]) => `[${name}]${rest}`);
const comment = fc.tuple(oneOf("#", ";", "rem ", "REM\t", "rem"), words).map((parts) => parts.join(""));
const anything = fc.string({
  maxLength: 12,
  unit: oneOf("a", "B", "=", ":", "[", "]", ";", "#", " ", "\t", '"', "\r", "\v", "r", "e", "m", "é"),
});
const line = fc.oneof(
  { weight: 40, arbitrary: keyLine },
  { weight: 16, arbitrary: continuation },
  { weight: 4, arbitrary: header },
  { weight: 4, arbitrary: comment },
  { weight: 4, arbitrary: blank },
  { weight: 1, arbitrary: anything },
);
const lineEnd = oneOf("\n", "\n", "\n", "\r\n");
const text = fc
  .tuple(fc.option(header, { nil: "", freq: 20 }), fc.array(fc.tuple(lineEnd, line), { maxLength: 12 }), oneOf("", "\n"))
  .map(([first, rest, last]) => first + rest.flat().join("") + last)
  .filter((each) => !commentAsKey(each));

/**
 * An indented comment that goes on with no value (it follows on a section, or on a deeper indented key) is a comment for us.
 * Python 2 refused such a file, Python 3 could only take it for a key here: there is no oracle for it. See ini.test.ts.
 */
const commentAsKey = (text: string) =>
  parseIniDocument(text, "", "production").comments.some((each) => !each.trailing && each.column > 1);

test("each file gives the sections, keys and values that Python's configparser gave Silver Lining", { timeout }, async () => {
  await fc.assert(
    fc.asyncProperty(text, async (each) => {
      expect(readByUs(each)).toStrictEqual(await oracle.read(each));
    }),
    { numRuns },
  );
});

test(
  "many generated files are ones that configparser accepts, with keys: values are compared, not only refusals",
  { timeout },
  async () => {
    const answers = await Promise.all(fc.sample(text, 1000).map((each) => oracle.read(each)));
    const withKeys = answers.filter(
      (answer) => "config" in answer && Object.values(answer.config).some((section) => Object.keys(section).length > 0),
    );
    expect(withKeys.length).toBeGreaterThan(300);
  },
);
