import { describe, expect, test, vi } from "vitest";
import { codes } from "../../scripts/docs/codes.ts";
import type { CodeEntry } from "../../components/text/code.ts";
import { parseManifest } from "../../components/manifest/parse.ts";
import { expectIssues, fixturesIn, issueLines } from "../support/fixtures.ts";

// Everything is turned on: so the schema of the keys to come is held to messages before their features are there.
vi.mock("../../components/manifest/not-yet.ts", () => ({ notYet: () => undefined, manifestLater: {} }));

describe("a manifest with keys to come is read without a word", () => {
  test.each(fixturesIn("manifests-later/good"))("$name", ({ name, text }) => {
    expect(issueLines(parseManifest(text, `app/${name}`).issues)).toBe("");
  });
});

describe("wrong values of keys to come are refused with the messages beside them", () => {
  test.each(fixturesIn("manifests-later/bad"))("$name", (fixture) => {
    const { value, issues } = parseManifest(fixture.text, `app/${fixture.name}`);
    expect(value).toBeUndefined();
    expectIssues(fixture, issues);
  });
});

test("each key arrives in the manifest, in units that its name tells", () => {
  const [everything] = fixturesIn("manifests-later/good");
  expect(parseManifest(everything?.text ?? "", "app.yaml").value).toMatchObject({
    services: { db: { type: "postgres", options: {} }, files: { type: "files", options: { quota: "2G" } } },
    config: { template: "conf/templates", checker: "app.config:check" },
    check: { path: "/health", status: 200, withinSeconds: 30, watchSeconds: 20 },
    test: "bin/smoke.py --fast",
    migrate: { run: "bin/migrate --all", timeoutSeconds: 600, mode: "copy", maxPauseSeconds: 60 },
    compatibleWithPrevious: true,
    keepDataSeconds: 259_200,
    cron: {
      digest: { at: "15 3 * * *", run: "bin/digest", overlap: "skip", timeoutSeconds: 3600 },
      often: { at: "*/5 0-6,22 1 jan-jun mon-fri", run: "bin/x", overlap: "skip", timeoutSeconds: 3600 },
    },
    workers: { mail: { run: "bin/mailer", count: 2, stopSeconds: 60 } },
    slow: { paths: ["/export"], processes: 2, timeoutSeconds: 600 },
    cache: { defaultSeconds: 0, pathSeconds: { "/feed": 300 }, ignoreCookies: ["_ga"] },
    static: { forever: ["assets/"], maxAgeSeconds: 3600, headers: { "X-Frame-Options": "DENY" } },
    updateFetch: ["/update", "script:bin/up now"],
    installScripts: { before: ["bin/pre"], after: ["bin/post"] },
  });
});

test("codes of keys to come are brought by their examples", () => {
  for (const [code, { example, isLater }] of Object.entries<CodeEntry>(codes)) {
    if (isLater !== true) continue;
    const text = example["app.yaml"];
    expect(parseManifest(typeof text === "string" ? text : "", "app.yaml").issues.map((issue) => issue.code)).toEqual([code]);
  }
});
