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
      installScripts: { before: [], after: [] },
      updateFetch: [],
      compatibleWithPrevious: false,
      keepDataSeconds: 72 * 3600,
      services: {},
      config: { required: {}, default: {}, directoryRequired: false },
      check: { path: "/", status: 200, withinSeconds: 30 },
      processes: { count: 8, threads: 1, memoryBytes: 400 * 1024 * 1024, requests: 5000 },
      timeouts: { requestSeconds: 10, startSeconds: 30, drainSeconds: 60 },
    },
  });
});
