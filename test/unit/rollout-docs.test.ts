import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { verdict } from "../../components/node/contract.ts";
import { failureCodes } from "../../components/rollout/failure.ts";

const text = readFileSync(resolve(import.meta.dirname, "../../docs/rollout.md"), "utf8");

/** First cells of the table below a heading. */
const table = (heading: string): string[] =>
  [...(text.split(`## ${heading}\n`)[1]?.split("\n## ")[0] ?? "").matchAll(/^\| `([a-z-]+)`/gm)].map((match) => match[1] ?? "");

test("the docs tell every verdict there is, and no other", () => {
  expect(table("Verdicts")).toEqual(verdict.options);
});

test("the docs tell every code a rollout may fail with, and no other", () => {
  expect(table("What can go wrong").toSorted()).toEqual([...failureCodes].toSorted());
});
