import { expect, test } from "vitest";
import { parseManifest } from "../../components/manifest/parse.ts";

test("a manifest of two lines gets every default", () => {
  expect(parseManifest("name: blog\nrunner: src/wsgi.py\n", "apps/blog/app.yaml")).toEqual({
    issues: [],
    value: {
      file: "apps/blog/app.yaml",
      name: "blog",
      platform: "python",
      runner: "src/wsgi.py",
      packages: [],
      debs: [],
      installScripts: { before: [], after: [] },
      updateFetch: [],
      compatibleWithPrevious: false,
      keepDataSeconds: 72 * 3600,
      services: {},
      config: { required: {}, default: {}, directoryRequired: false },
      check: { path: "/", withinSeconds: 30 },
      processes: { count: 8, threads: 1, memoryBytes: 400 * 1024 * 1024, requests: 5000 },
      timeouts: { requestSeconds: 10, startSeconds: 30, drainSeconds: 60 },
      limits: { bodyBytes: 64 * 1024 ** 2 },
    },
  });
});

test.each([
  ["", { path: "/" }],
  ["within: 30s", { path: "/" }],
  ["https: true", { path: "/", https: true }],
  ["https: false", { path: "/" }],
  ["path: /", { path: "/", status: 200 }],
  ["body: ok", { path: "/", status: 200, body: "ok" }],
  ["path: /login, status: 302", { path: "/login", status: 302 }],
  ["status: 404", { path: "/", status: 404 }],
])("a check {%s} demands a status only where it says what the answer is", (check, expected) => {
  const { value } = parseManifest(`name: blog\nrunner: src/wsgi.py\ncheck: {${check}}\n`, "app.yaml");
  expect(value?.check).toEqual({ ...expected, withinSeconds: 30 });
});
