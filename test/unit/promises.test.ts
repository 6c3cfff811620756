import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CodeEntry } from "../../components/text/code.ts";
import { codes } from "../../scripts/docs/codes.ts";
import { notYet } from "../../components/manifest/not-yet.ts";
import { agentError, verdict } from "../../components/node/contract.ts";
import { failureCodes } from "../../components/rollout/failure.ts";
import { compilerOptions, Sources } from "../support/promises.ts";

const root = resolve(import.meta.dirname, "../..");
const options = compilerOptions(root);
const agent = globSync("components/node/agent/silver/**/*.py", { cwd: root })
  .map((path) => readFileSync(join(root, path), "utf8"))
  .join("\n");

// The compiler reads all of the program: once, and that takes seconds.
let program: Sources;
beforeAll(() => {
  const files = globSync(["components/**/*.ts", "cli/**/*.ts", "stacks/*.ts"], { cwd: root });
  program = new Sources(
    files.map((path) => join(root, path)),
    options,
  );
}, 60_000);

const unread = (file: string, type: string): string[] =>
  program.fieldsOf(join(root, file), type).flatMap(({ path, isRead }) => (isRead ? [] : [path]));

/** Keys of the manifest by the field that they become, where the names differ by more than their style. */
const keysOf: Record<string, string> = {
  "install_scripts.before": "package_install_script",
  "install_scripts.after": "after_install_script",
  install_scripts: "package_install_script",
};

/** Whether a field of the manifest only has a value once its key is built. */
function isLater(path: string): boolean {
  const snake = path
    .replace(/^Manifest\./, "")
    .replace(/\{\}/g, "")
    .replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    .replace(/_seconds$/, "");
  const steps = snake.split(".");
  return steps.some((_, index) => {
    const key = steps.slice(0, index + 1).join(".");
    return notYet(keysOf[key] ?? key) !== undefined;
  });
}

// The first question makes the compiler infer most types of the program.
describe("every field has a reader", { timeout: 60_000 }, () => {
  test("of a manifest, but for keys that are refused as not built yet", () => {
    expect(unread("components/manifest/manifest.ts", "Manifest").filter((path) => !isLater(path))).toEqual([]);
  });

  test("of an environment", () => {
    expect(unread("components/environment/environment.ts", "Environment")).toEqual([]);
  });

  test("of a plan; what travels to a node is read there", () => {
    const ofManifests = /^Plan\.sites\[\]\.check\.watchSeconds$/;
    const onNodes = (path: string) =>
      path.startsWith("Plan.sites[].services[].") && agent.includes(`"${path.split(".").at(-1) ?? ""}"`);
    expect(unread("components/plan/plan.ts", "Plan").filter((path) => !ofManifests.test(path) && !onNodes(path))).toEqual([]);
  });
});

describe("every word of a closed list has a producer", { timeout: 60_000 }, () => {
  const raised = new Set([...agent.matchAll(/AgentError\(\s*"([a-z-]+)"/g)].map((match) => match[1]));

  test("verdicts", () => {
    const made = program.made(verdict.options);
    expect(verdict.options.filter((word) => !made.has(word))).toEqual([]);
  });

  test("codes of the agent", () => {
    expect(agentError.shape.code.options.filter((code) => !raised.has(code))).toEqual([]);
  });

  test("codes of a rollout", () => {
    const made = program.made(failureCodes);
    expect(failureCodes.filter((code) => !made.has(code) && !raised.has(code))).toEqual([]);
  });

  test("codes of manifests and environments that no example can bring (codes.test.ts has the others)", () => {
    const made = program.made(Object.keys(codes));
    const bare = Object.entries<CodeEntry>(codes).filter(([, { example }]) => Object.keys(example).length === 0);
    expect(bare.length).toBeGreaterThan(0);
    expect(bare.map(([code]) => code).filter((code) => !made.has(code))).toEqual([]);
  });
});

describe("the search itself", () => {
  const directory = mkdtempSync(join(tmpdir(), "silver-promises-"));
  afterAll(() => {
    rmSync(directory, { recursive: true });
  });

  const sources = (text: string): Sources => {
    writeFileSync(join(directory, "a.ts"), text);
    return new Sources([join(directory, "a.ts")], { ...options, types: [] });
  };

  test("finds a field that is written, copied and never read", () => {
    const text = `interface Part { inner: string; lost: string }
      interface Whole { read: string; taken: number; parts: Part[]; copied?: string }
      export function f(whole: Whole, { taken }: Whole) {
        whole.copied = "x";
        return { ...whole, was: whole.read + String(taken) + whole.parts.map((part) => part.inner).join() };
      }`;
    const fields = sources(text).fieldsOf(join(directory, "a.ts"), "Whole");
    expect(fields.filter(({ isRead }) => !isRead).map(({ path }) => path)).toEqual(["Whole.parts[].lost", "Whole.copied"]);
  });

  test("finds a word that is only listed, compared and mapped", () => {
    const text = `type Word = "made" | "chosen" | "listed";
      const words = ["made", "chosen", "listed"] as const;
      const texts: Record<Word, string> = { made: "", chosen: "", listed: "" };
      const say = (word: Word) => texts[word] + words.join() + String(word === "listed");
      export const all = (is: boolean): string => say("made") + say(is ? "chosen" : "made");`;
    expect(sources(text).made(["made", "chosen", "listed"])).toEqual(new Set(["made", "chosen"]));
  });
});
