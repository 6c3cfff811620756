import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Checkout } from "./checkout.ts";

/** One thing that a tutorial has its reader do or see, in the order of the text. */
export type Step = (
  | { kind: "command"; command: string; output: string }
  | { kind: "edit"; path: string; before: string; after: string }
  | { kind: "file"; path: string; text: string; isNew: boolean }
) & {
  /** Line of the text at which it stands. */
  line: number;
  /** Whether it needs Pulumi and a node. */
  needsNode: boolean;
};

/**
 * The steps of a Markdown text, by the words behind its fences. `console` (or `console node`): a command behind `$ `, and below it
 * what it prints; a line `…` stands for any lines. `diff PATH`: lines of a file that the reader changes. `yaml PATH`: all of a file; `yaml new PATH`: one that
 * the reader writes.
 */
export function stepsOf(markdown: string): Step[] {
  return [...markdown.matchAll(/^```(\w+)(?: (.*))?\n([^]*?)^```$/gm)].flatMap(
    ({ 1: kind = "", 2: more = "", 3: text = "", index }) => {
      const line = markdown.slice(0, index).split("\n").length + 1;
      const needsNode = more === "node";
      if (kind === "console")
        return text.split(/^(?=\$ )/m).map((part): Step => {
          const [command = "", ...output] = part.split("\n");
          return { kind: "command", command: command.slice(2), output: output.join("\n"), line, needsNode };
        });
      if (more === "" || needsNode) return [];
      if (kind !== "diff")
        return [{ kind: "file", path: more.replace(/^new /, ""), text, isNew: more.startsWith("new "), line, needsNode }];
      const side = (other: string) =>
        text
          .split(/^/m)
          .filter((each) => !each.startsWith(other))
          .map((each) => each.slice(1))
          .join("");
      return [{ kind: "edit", path: more, before: side("+"), after: side("-"), line, needsNode }];
    },
  );
}

/** Takes one step in a checkout. What a command prints must be what the text says, but for ids, addresses and seconds. */
export async function take({ root, sh }: Checkout, step: Step): Promise<void> {
  if (step.kind === "command") {
    const { output } = await sh(step.command);
    // The output itself as the other side: a failing test shows where the two part.
    if (!matches(step.output, output)) expect(steady(output)).toBe(steady(step.output));
    return;
  }
  const file = join(root, step.path);
  if (step.kind === "file" && step.isNew) {
    writeFileSync(file, step.text);
    return;
  }
  const text = readFileSync(file, "utf8");
  if (step.kind === "file") expect(text).toBe(step.text);
  else {
    expect(text.split(step.before), `line ${step.line}: the lines that change stand in ${step.path} once`).toHaveLength(2);
    writeFileSync(
      file,
      text.replace(step.before, () => step.after),
    );
  }
}

/** Whether an output is what a text says; `…` alone on a line stands for any lines. */
export function matches(expected: string, found: string): boolean {
  const parts = steady(expected)
    .split(/^…\n/m)
    .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join("(?:.*\\n)*")}$`).test(steady(found));
}

/** A text without what differs from machine to machine and from run to run. */
function steady(text: string): string {
  return (
    text
      // What Pulumi says around a line of a command differs from terminal to terminal.
      .replaceAll(/^ ([+~-]) {2}command:\w+:Command (\S+) \w+ \([^)]*\)(?: \[diff: [^\]]*\])?;?/gm, " $1  $2")
      .replaceAll(/\b[0-9a-f]{8}\b/g, "<id>")
      .replaceAll(/\b(?:ubuntu|debian)-[\d.]+\b/g, "<system>")
      .replaceAll(/\b\d+\.\d+\.\d+\.\d+(?::\d+)?\b/g, "<address>")
      .replaceAll(/\b\d+(?:\.\d+)? ?s\b/g, "<time>")
      .replaceAll(/\b\d+ bytes\b/g, "<bytes>")
      .replaceAll(/\b[A-Z][a-z]{2} \d\d \d\d:\d\d:\d\d\b|\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d|Z\b)\S*/g, "<moment>")
      .replaceAll(/\b\d+ times\b/g, "<count> times")
      .replaceAll(/(?<=\w)\[\d+\]:/g, "[<pid>]:")
      .replaceAll(/ +$/gm, "")
  );
}

/** A step as the name of a test. */
export function nameOf(step: Step): string {
  return `line ${step.line}: ${step.kind === "command" ? step.command : `${step.kind} ${step.path}`}`;
}
