import { expect, test } from "vitest";
import { renderIssues } from "../../components/text/code-frame.ts";
import type { Issue, Place } from "../../components/text/issue.ts";

const file = "apps/blog/app.ini";
const issue = (place: Partial<Place>, rest: Partial<Issue> = {}): Issue => ({
  code: "unknown-key",
  severity: "error",
  place: { file, ...place },
  message: "runnr is not a key",
  ...rest,
});
const render = (text: string | undefined, ...issues: Issue[]) => renderIssues(issues, () => text);

test("an issue shows its place, its code, its line with a caret under the word, and what to do", () => {
  const text = "[production]\napp_name = blog\n  runnr = src/wsgi.py\n";
  expect(render(text, issue({ line: 3, column: 3 }, { fix: "did you mean runner?" }))).toBe(
    [
      "apps/blog/app.ini:3:3 error [unknown-key] runnr is not a key",
      "  3 |   runnr = src/wsgi.py",
      "    |   ^^^^^",
      "  did you mean runner?",
    ].join("\n"),
  );
});

test("several issues stand apart, in the order in which they are given, and each file is read once", () => {
  const read: string[] = [];
  const rendered = renderIssues([issue({ line: 1, column: 1 }), issue({ line: 2, column: 1 })], (name) => {
    read.push(name);
    return "a\nb";
  });
  expect(rendered.split("\n\n").map((each) => each.split("\n")[1])).toEqual(["  1 | a", "  2 | b"]);
  expect(read).toEqual([file]);
});

test.each([
  ["a file that can't be read", undefined, { line: 1, column: 1 }],
  ["a whole file", "text", {}],
  ["a line after the last", "text", { line: 9, column: 1 }],
])("%s has no frame", (_, text, place) => {
  expect(render(text, issue(place)).split("\n")).toHaveLength(1);
});

test.each([
  ["a tab is one column", "\t\trunnr", 3, "  1 |   runnr", "    |   ^^^^^"],
  ["a place after the end has a caret there", "ab", 9, "  1 | ab", "    |   ^"],
  ["a carriage return at the end is not shown", "ab\r", 1, "  1 | ab", "    | ^^"],
  ["a blank has one caret", "a b", 2, "  1 | a b", "    |  ^"],
])("%s", (_, line, column, source, caret) => {
  expect(
    render(line, issue({ line: 1, column }))
      .split("\n")
      .slice(1),
  ).toEqual([source, caret]);
});

test.each([
  ["a path", "runner: ./src/wsgi.py", "./src/wsgi.py"],
  ["a path from the root", "check: /health # asked", "/health"],
  ["a text in quotes", 'version: "1.10" # old', '"1.10"'],
  ["a text in single quotes, with one inside", "body: 'it''s ok'", "'it''s ok'"],
  ["quotes that are never closed", 'body: "ok', '"'],
  ["a value between brackets", "check: {path: /a b, status: 200}", "/a"],
  ["a value at the end of brackets", "packages: [git=2.1]", "git=2.1"],
  ["a location", "locations: [https://blog.acme.net:80/x]", "https://blog.acme.net:80/x"],
  ["letters of other languages", "name: Bücher", "Bücher"],
  ["a tag", "name: !!js/function x", "!!js/function"],
])("the carets are below the whole word: %s", (_, line, word) => {
  const column = line.indexOf(word) + 1;
  const [, source = "", caret = ""] = render(line, issue({ line: 1, column })).split("\n");
  expect(source.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1)).toBe(word);
});

test.each([
  ["a key of YAML", "runnr: src/wsgi.py", "runnr"],
  ["a key of YAML in quotes", '"my key": x', '"my key"'],
  ["a key of app.ini", "runnr=src/wsgi.py", "runnr"],
  ["a pinned library", "flask==2.0 --hash=x", "flask"],
])("the carets end with the key: %s", (_, line, word) => {
  const [, , caret = ""] = render(line, issue({ line: 1, column: 1 })).split("\n");
  expect(caret.trim().slice(2)).toBe("^".repeat(word.length));
});

test("of a long line the part around the place is shown, with the caret still under it", () => {
  const [, source = "", caret = ""] = render(`${"a".repeat(500)} here ${"b".repeat(500)}`, issue({ line: 1, column: 502 })).split(
    "\n",
  );
  expect(source.length).toBeLessThan(120);
  expect(source.slice(caret.indexOf("^"), caret.lastIndexOf("^") + 1)).toBe("here");
});

test("nothing that a terminal would obey or hide reaches it", () => {
  const rendered = render(
    "a\x1b[31m\x9b\u202eb\x07",
    issue({ line: 1, column: 1, file: "a\x1b.ini" }, { message: "is\x1b[2J\n", fix: "\x00" }),
  );
  expect(rendered).toContain("  1 | a␛[31m\u{fffd}\u{fffd}b␇");
  expect(rendered.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});

test("there is colour only when it is asked for", () => {
  const coloured = renderIssues([issue({ line: 1, column: 1 }), issue({}, { severity: "warning" })], () => "runnr", {
    colour: true,
  });
  expect(coloured).toContain("\x1b[31merror");
  expect(coloured).toContain("\x1b[33mwarning");
  expect(render("runnr", issue({ line: 1, column: 1 }))).not.toContain("\x1b");
});
