import { describe, expect, test } from "vitest";
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

describe("proxies that the sites of a node can pass themselves off as are a warning", () => {
  const nodes = `nodes:
  web1: {host: 10.0.1.11, os: debian-12, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA}
  web2: {host: "fd00::12", os: debian-12, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAB}
  web3: {host: web3.acme.net, os: debian-12, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAC}
  data1: {host: 10.0.2.11, os: debian-12, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAD, roles: [service]}
`;
  const parsed = (proxies: string, own = nodes, base = "") =>
    parseEnvironment(`trust_proxies: [${proxies}]\n${own}`, "stacks/dev.yaml", "dev", { text: base, file: "stacks/base.yaml" });
  const believed = "every site there could pass off any address and scheme as a visitor's";

  test("with the place, why, and what to do", () => {
    const { value, issues } = parsed("192.0.2.7, 127.0.0.1, 10.0.0.0/8");
    expect(value?.trustProxies).toEqual(["10.0.0.0/8", "127.0.0.1", "192.0.2.7"]);
    expect(issues).toEqual([
      {
        code: "trusts-sites",
        severity: "warning",
        place: { file: "stacks/dev.yaml", line: 1, column: 28 },
        message: `trust_proxies has 127.0.0.1, which is each node itself: ${believed}`,
        fix: "delete it: a proxy on the node itself can't be told from its sites",
      },
      {
        code: "trusts-sites",
        severity: "warning",
        place: { file: "stacks/dev.yaml", line: 1, column: 39 },
        message: `trust_proxies has 10.0.0.0/8, where web1 is: ${believed}`,
        fix: "name the proxies' own addresses",
      },
    ]);
  });

  test.each([
    ["127.0.0.0/8", "which is each node itself"],
    ["127.9.9.9", "which is each node itself"],
    ["126.0.0.0/7", "which is each node itself"],
    ['"::1"', "which is each node itself"],
    ['"::/96"', "which is each node itself"],
    ["10.0.1.11", "where web1 is"],
    ["10.0.0.0/16", "where web1 is"],
    ['"fd00::/8"', "where web2 is"],
    ["10.0.2.0/24", undefined],
    ["10.0.1.12", undefined],
    ["128.0.0.0/8", undefined],
    ['"::2"', undefined],
    ['"::ffff:0:0/96"', undefined],
    ['"2001:db8::/32"', undefined],
  ])("%s: %s", (proxies, said) => {
    const found = parsed(proxies).issues.map(({ message }) => /, (wh.*): every /.exec(message)?.[1]);
    expect(found).toEqual(said === undefined ? [] : [said]);
  });

  test("of many nodes, with the first and their number", () => {
    const many = Array.from(
      { length: 5 },
      (_, index) =>
        `  web${index}: {host: 10.0.1.${index}, os: debian-12, hostKey: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAA${index}}\n`,
    );
    const said = (count: number) => parsed("10.0.0.0/8", `nodes:\n${many.slice(0, count).join("")}`).issues[0]?.message;
    expect(said(2)).toContain(", where web0 and web1 are: ");
    expect(said(5)).toContain(", where web0 and 4 other nodes are: ");
  });

  test("at its place in the base of all environments, too", () => {
    const base = "trust_proxies: [127.0.0.1]\n";
    const { issues } = parseEnvironment(nodes, "stacks/dev.yaml", "dev", { text: base, file: "stacks/base.yaml" });
    expect(issues.map(({ place }) => place)).toEqual([{ file: "stacks/base.yaml", line: 1, column: 17 }]);
  });
});
