import fc from "fast-check";
import semver from "semver";
import { expect, test } from "vitest";
import { parseManifest } from "../../components/manifest/parse.ts";

const valueOf = (keys: object) => parseManifest(JSON.stringify({ name: "blog", runner: "wsgi.py", ...keys }), "app.yaml").value;
const word = (letters: string, maxLength: number) => fc.string({ unit: fc.constantFrom(...letters.split("")), maxLength });
const RUNS = { numRuns: 2000 };

test("a version is taken when semver takes it as it stands, without build metadata", () => {
  const versions = fc.oneof(word("0123.-a", 12), fc.constantFrom("1.0.0-0", "1.0.0--", "0.0.0-00", "1.0.0-a.01", "1.0.0-"));
  fc.assert(
    fc.property(
      versions.filter((version) => !/^\d{8}/.test(version)),
      (version) => {
        expect(valueOf({ version }) !== undefined).toBe(semver.valid(version) === version);
      },
    ),
    RUNS,
  );
});

test.each(["20261121", "20261121_1", "202611211430", "20261121143059_001"])("%s is a timestamp", (version) => {
  expect(valueOf({ version })?.version).toBe(version);
});

test.each([
  "20261301",
  "20261121250000",
  "202611211261",
  "00001001",
  "20261132",
  "2026112",
  "20261121-1",
  "202611211",
  "20261121_",
])("%s is none", (version) => {
  expect(valueOf({ version })).toBeUndefined();
});

test("a location that was tidied stays as it is", () => {
  fc.assert(
    fc.property(word("aB9.-_*/~:%", 10), (text) => {
      const tidy = valueOf({ default_location: text })?.defaultLocation;
      if (tidy === undefined) return;
      expect(valueOf({ default_location: tidy })?.defaultLocation).toBe(tidy);
      expect(tidy).toMatch(/^(?:\*|\.?[a-z0-9.-]+)(?:\/[A-Za-z0-9._~-]+)*$/);
    }),
    RUNS,
  );
});

test("numbers and texts of digits are the same", () => {
  fc.assert(
    fc.property(fc.integer({ min: -5, max: 300 }), (count) => {
      const [number, text] = [count, String(count)].map((value) => valueOf({ processes: { count: value } })?.processes.count);
      expect(text).toBe(number);
      expect(number).toBe(count >= 1 && count <= 256 ? count : undefined);
    }),
  );
});

test.each([
  ["1s", 1],
  ["90s", 90],
  ["10m", 600],
  ["1h", 3600],
])("a duration of %s has %d seconds", (request, seconds) => {
  expect(valueOf({ timeouts: { request } })?.timeouts.requestSeconds).toBe(seconds);
});

test.each([
  ["32768K", 32 * 1024 ** 2],
  ["400M", 400 * 1024 ** 2],
  ["2G", 2 * 1024 ** 3],
])("a size of %s has %d bytes", (memory, bytes) => {
  expect(valueOf({ processes: { memory } })?.processes.memoryBytes).toBe(bytes);
});

test("a number stands in os.environ as it is written", () => {
  expect(valueOf({ config: { default: { A: 8, B: 1.5, C: -3, D: "8" } } })?.config.default).toEqual({
    A: "8",
    B: "1.5",
    C: "-3",
    D: "8",
  });
});

test.each([
  ["runner", { runner: "./src/wsgi.py" }, { runner: "src/wsgi.py" }],
  ["runner with an object", { runner: ".//src/app.py#app" }, { runner: "src/app.py#app" }],
  ["php_root", { runner: "index.php", php_root: "./www/" }, { runner: "index.php", phpRoot: "www" }],
  ["config.default", { config: { default: "conf//" } }, { config: { defaultDirectory: "conf" } }],
  ["config.template", { config: { template: "./conf/template/" } }, { config: { template: "conf/template" } }],
  ["config.checker", { config: { checker: "./bin/check" } }, { config: { checker: "bin/check" } }],
])("%s is a path that may have ./ before it, and / after it where it is a directory", (_, keys, expected) => {
  expect(valueOf(keys)).toMatchObject(expected);
});

test.each([".", "./", "../src/wsgi.py", "./../wsgi.py", "././/", "/src/wsgi.py", "src/wsgi.py/"])(
  "the runner is not %s",
  (runner) => {
    expect(valueOf({ runner })).toBeUndefined();
  },
);

test.each([
  ["check", { check: "/health" }, { check: { path: "/health" } }],
  ["services.db", { services: { db: "postgres" } }, { services: { db: { type: "postgres" } } }],
  ["services.db", { services: { db: "postgresql" } }, { services: { db: { type: "postgresql" } } }],
  ["services.files", { services: { files: null } }, { services: { files: {} } }],
])("%s in its short form means the same as in the long one", (_, short, long) => {
  expect(valueOf(short)).toEqual(valueOf(long));
});
