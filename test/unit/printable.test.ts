// What strangers write (an app's answer and log, a file's name) on its way to a terminal, or to the log of a CI service.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { renderChanges, renderMarkdown } from "../../cli/comment.ts";
import { renderColumns } from "../../cli/columns.ts";
import { renderOutcome } from "../../components/rollout/outcome.ts";
import { streamReporter } from "../../components/rollout/reporter.ts";
import { printable, printableJson, printableLines } from "../../components/text/printable.ts";

/** Control characters, but for tabs and line ends; and what a CI service takes for a command. */
const obeyed = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\u2028\u2029]|^\s*::|##\w*\[/mu;
const nasty =
  "no\u001b[2J\u001b]0;owned\u0007\r\n::error::ci\n \t ::add-mask::x\n##[add-matcher]x ##vso[task.x]\n\u009b31m\u202e\u0085\u007f";

test("characters keep their columns, and tabs stay", () => {
  expect(printable("a\u001b[2J\t\u0007\u0000\u007f\u009b\u202e\u2028")).toBe("a␛[2J\t␇␀����");
  expect(printable("  ::stop-commands::x")).toBe("  ∶:stop-commands::x");
  expect(printable("std::string ##[group] ## Title #[attribute]")).toBe("std::string #♯[group] ## Title #[attribute]");
});

test("colours of a log are left out, and its lines end as they may", () => {
  expect(printableLines("\u001b[1;31mERROR\u001b[0m x\r\ny\rz\n")).toEqual(["ERROR x", "y␍z", ""]);
});

test("whatever the text, nothing in it is obeyed", () => {
  const text = fc.string({
    unit: fc.constantFrom(...Array.from("ab:#[]\n\r\t \u001b\u0007\u009b\u0085\u202e\u2028\u00a0m1;"), "::", "##["),
    maxLength: 40,
  });
  fc.assert(
    fc.property(text, (each) => {
      expect(printableLines(each).join("\n")).not.toMatch(obeyed);
      expect(printable(each)).toHaveLength(each.length);
      const json = printableJson({ each });
      expect(json).not.toMatch(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u);
      expect(JSON.parse(json)).toEqual({ each });
    }),
  );
});

describe("nothing of it is obeyed", () => {
  test("in the verdict of a rollout, nor in its steps", () => {
    const said: string[] = [];
    const reporter = streamReporter((line) => said.push(line), ["s3cret\u001b[1m"]);
    const answer = { url: "http://x/", status: 500, redirect: nasty, body: nasty };
    const failure = {
      node: "web1",
      step: "check",
      code: "check",
      message: nasty,
      log: nasty.split("\n"),
      fix: nasty,
      answer,
    } as const;
    const outcome = {
      verdict: "reverted" as const,
      failures: [failure as unknown as Parameters<typeof renderOutcome>[0]["failures"][number]],
      nodes: [{ name: "web1", serves: "1.0.0", answers: [] }],
    };
    const rollout = { site: "blog", app: "apps/blog", check: {}, release: { id: "1.1.0" } };
    reporter.lines(renderOutcome(outcome, rollout as unknown as Parameters<typeof renderOutcome>[1]));
    reporter.step("web1", "check", nasty);
    reporter.lines(["s3cret\u001b[1m"]);
    expect(said.join("")).not.toMatch(obeyed);
    expect(said.join("")).toContain("no␛[2J␛]0;owned␇\n    ∶:error::ci\n");
    expect(said.at(-1)).toBe("[secret]\n");
  });

  test("in a table", () => {
    expect(renderColumns(["A", "B"], [[nasty, "b"]])).not.toMatch(obeyed);
  });

  test("in what would change", () => {
    const changes = { environment: "dev", changes: [], broken: [], untouched: [], warnings: nasty.split("\n") };
    expect(renderChanges(changes, []).join("\n")).not.toMatch(obeyed);
    expect(renderMarkdown(changes, [], nasty.split("\n"))).not.toMatch(obeyed);
  });
});
