import { expect, test } from "vitest";
import { parseEnvironment } from "../../components/environment/parse.ts";

test("an environment of one node and one site gets every default", () => {
  const text = "nodes:\n  web1: {local: true, os: debian-13}\nsites:\n  hello: {app: apps/hello, nodes: [web1]}\n";
  expect(parseEnvironment(text, "stacks/dev.yaml", "dev")).toEqual({
    issues: [],
    value: {
      name: "dev",
      file: "stacks/dev.yaml",
      ssh: { user: "root" },
      apt: { sources: [], answers: [], debs: [] },
      defaults: { retain: 5, graceSeconds: 600 },
      limits: {},
      nodes: {
        web1: { name: "web1", machine: { kind: "local" }, os: "debian-13", roles: ["web"], place: { line: 2, column: 3 } },
      },
      sites: {
        hello: {
          name: "hello",
          app: "apps/hello",
          locations: [],
          nodes: ["web1"],
          services: {},
          config: {},
          limits: {},
          origins: {
            app: { file: "stacks/dev.yaml", line: 4, column: 16 },
            nodes: { file: "stacks/dev.yaml", line: 4, column: 35 },
          },
          place: { line: 4, column: 3 },
        },
      },
    },
  });
});

test("a long word in place of an address is judged at once", () => {
  const start = performance.now();
  parseEnvironment(`nodes: {web1: {host: "${":".repeat(100_000)}!", os: debian-12}}\n`, "stacks/dev.yaml", "dev");
  expect(performance.now() - start).toBeLessThan(2000);
});
