import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { readTemplate } from "../../components/manifest/read-template.ts";
import { fillTemplate, parseTemplate } from "../../components/manifest/template-text.ts";

/** A template filled with values; its variables, with their defaults. */
function filled(text: string, values: Record<string, string>): string {
  const { value, issues } = parseTemplate(text, "x.tmpl");
  if (value === undefined) throw new Error(JSON.stringify(issues));
  return fillTemplate(value, new Map(Object.entries({ ...value.defaults, ...values })));
}

const refusals = (text: string) =>
  parseTemplate(text, "x.tmpl").issues.map(({ code, place, message }) => [code, place.line, place.column, message]);

test("variables are filled in, and everything else stays as it is", () => {
  expect(filled("a {{x}}{{ y }}\n%(z)s $z {z} }}\n", { x: "1", y: "{{x}}" })).toBe("a 1{{x}}\n%(z)s $z {z} }}\n");
  expect(filled("", {})).toBe("");
});

test("a default stands in for a value, and takes a line of its own with it", () => {
  const text = `a\n  {{default x = "one two"}}  \n{{x}} {{default y = 25}}{{y}} {{default z='q'}}{{z}}`;
  expect(filled(text, {})).toBe("a\none two 25 q");
  expect(filled(text, { x: "", y: "26" })).toBe("a\n 26 q");
});

test("any other statement of Tempita is refused by its name, where it stands", () => {
  expect(refusals("{{if a}}\n x {{endif}}{{for b in c}}{{py: import os}}{{inherit 'd'}}{{else}}")).toEqual([
    ["template-statement", 1, 1, "the statement if of Tempita is not understood"],
    ["template-statement", 2, 4, "the statement endif of Tempita is not understood"],
    ["template-statement", 2, 13, "the statement for of Tempita is not understood"],
    ["template-statement", 2, 27, "the statement py of Tempita is not understood"],
    ["template-statement", 2, 44, "the statement inherit of Tempita is not understood"],
    ["template-statement", 2, 59, "the statement else of Tempita is not understood"],
  ]);
  expect(refusals("{{a|html}}{{default x = y}}{{# note}}\n{{}} {{open")).toEqual([
    ["template-statement", 1, 1, '"a|html", which is not the name of a variable, is not understood'],
    ["template-statement", 1, 11, '"default x = y" is not a plain default'],
    ["template-statement", 1, 28, "a comment of Tempita is not understood"],
    ["template-statement", 2, 1, '"", which is not the name of a variable, is not understood'],
    ["template-statement", 2, 6, "{{ is not closed"],
  ]);
});

test("a directory is read as in 2010: .tmpl files, names with +variables+, template.ini, and no file that begins with a dot", () => {
  const root = mkdtempSync(join(tmpdir(), "silver-template-"));
  try {
    const files = {
      "mail.ini.tmpl": "{{default port = 25}}\nhost={{mail_host}}:{{port}}\n",
      "+env+/+dot+plain": "{{if}}",
      "template.ini": "[variables]\nmail_host = host that\n  takes mail\n[other]\nx = y\n",
      ".hidden": "{{if}}",
    };
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(root, "apps/mail/t", path)), { recursive: true });
      writeFileSync(join(root, "apps/mail/t", path), content);
    }
    const { value, issues } = readTemplate(root, "apps/mail", "t");
    expect(issues).toEqual([]);
    expect(value?.files.map(({ path }) => path)).toEqual(["+env+/+dot+plain", "mail.ini"]);
    expect(value?.variables).toEqual([
      { name: "env" },
      { name: "mail_host", about: "host that takes mail" },
      { name: "port", preset: "25" },
    ]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test.each([
  ["statements that are not understood", "{{%}}\n".repeat(100_000)],
  ["defaults in one line", "{{default a=1}}".repeat(50_000)],
  ["defaults after blanks", " ".repeat(400_000) + "{{default a=1}}".repeat(30_000)],
  ["defaults before blanks", ("{{default a=1}}" + " ".repeat(100)).repeat(8_000)],
])("a template of %s is read at once", (_, text) => {
  const start = performance.now();
  parseTemplate(text, "a.tmpl");
  expect(performance.now() - start).toBeLessThan(2000);
});

test("of very many mistakes the first are told", () => {
  expect(parseTemplate("{{%}}\n".repeat(1000), "a.tmpl").issues).toHaveLength(50);
});
