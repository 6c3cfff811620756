import { globSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** Phrases that read as translated → what an engineer writes. */
const refused: [phrase: RegExp, instead: string][] = [
  [/can't be had\b|\bto be had\b/, "could not install, can't be downloaded"],
  [/\b(?:is|are) others now\b/, "changed"],
  [/\bha(?:s|ve) not the\b/, "does not have the"],
  [/\bis no (?:file|node|section|option|link|manifest|revision|hash|picture|map)\b(?<!there is no \w+)/, "is not a"],
  [/\b(?:is|are) none here\b/, "does not exist here"],
  [/nothing to complain/, "no problems"],
  [/\bserves what is (?:not known|unknown)\b/, "unknown, did not answer"],
  [/\b(?:is|was|be|are|were) let in\b/, "gets visitors, can log in, was rolled out"],
  [/\ball is as before\b/i, "rolled back"],
  [/\bof its own accord\b/, "by itself"],
  [/\btak(?:es?|ing) no note\b/, "ignores"],
  [/\bstands? (?:here|there)\b/, "is here"],
  [/\b(?:is|are) told of\b/, "is reported"],
  [/\bnobody can tell\b/i, "is unknown"],
  [/\b(?:is|be|it) put right\b/, "is fixed"],
  [/\btaken? for dead\b/, "considered dead"],
  [/\bdoor\b/i, "firewall"],
];

const files = globSync(["{components,cli,scripts,tools,stacks}/**/*.{ts,py,sh,yaml,vcl}", "docs/*.md", "*.md"], { cwd: root });

test.each(refused)("no message, comment or page has words like %s: write %s", (phrase) => {
  const found = files.flatMap((file) =>
    readFileSync(join(root, file), "utf8")
      .split("\n")
      .flatMap((line, index) => (phrase.test(line) ? [`${file}:${index + 1}: ${line.trim()}`] : [])),
  );
  expect(found).toEqual([]);
});

test("the search has files to look through", () => {
  expect(files.length).toBeGreaterThan(300);
});
