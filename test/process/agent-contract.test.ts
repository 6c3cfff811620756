import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { expect, it } from "vitest";
import { agentError, protocol, silenceSeconds, verbs, verdict } from "../../components/node/contract.ts";
import type { NodeState, Release } from "../../components/render/rendered.ts";
import { mostSessions } from "../../components/plan/judge-nodes.ts";

const sources = fileURLToPath(new URL("../../components/node/agent", import.meta.url));

/** What the agent's own contract says, asked from it. */
function ask(code: string): unknown {
  return JSON.parse(
    execFileSync("python3", ["-c", `import json, silver.contract as c\nprint(json.dumps(${code}))`], {
      encoding: "utf8",
      cwd: sources,
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    }),
  );
}

it("speaks the protocol of the contract", () => {
  expect(ask("[c.PROTOCOL, c.SILENCE_SECONDS]")).toEqual([protocol, silenceSeconds]);
});

it("knows every verb of the contract, and the keys of its arguments", () => {
  const expected = Object.fromEntries(Object.entries(verbs).map(([name, { args }]) => [name, Object.keys(args.shape).sort()]));
  expect(ask("{verb: sorted(check.fields) for verb, check in c.VERBS.items()}")).toEqual(expected);
});

it("gives PostgreSQL the sessions that the plan counts on, and some for people", () => {
  expect(ask("__import__('silver.postgres', fromlist=['_']).SESSIONS")).toBeGreaterThanOrEqual(mostSessions + 20);
});

it("knows every verdict", () => {
  expect(ask("c.VERDICTS")).toEqual(verdict.options);
});

it("fails with codes of the closed list alone", () => {
  const used = execFileSync("sh", ["-c", `cat '${sources}'/silver/*.py`], { encoding: "utf8" }).matchAll(
    /AgentError\(\s*"([a-z-]+)"/g,
  );
  const codes = new Set([...used].map((match) => match[1] ?? ""));
  expect([...codes].filter((code) => !agentError.shape.code.options.some((known) => known === code))).toEqual([]);
});

it("takes a node's state and a release as they are typed", () => {
  const state: Required<NodeState> = {
    node: "web1",
    os: "debian-12",
    packages: ["varnish"],
    sites: [{ name: "hello", user: "site-hello" }],
    files: [{ path: "/etc/silver/top.vcl", mode: "0644", content: "", after: "top-vcl" }],
    units: { running: ["varnish.service"], stopped: ["apache2.service"] },
  };
  const digest = "0".repeat(64);
  const release: Required<Release> = {
    id: "1.0.0-00000000.00000000",
    digest,
    site: "hello",
    user: "site-hello",
    bundle: { id: "1.0.0-00000000", digest },
    version: "1.0.0",
    packages: [],
    files: [{ path: "conf/unit.service", mode: "0644", group: "site", content: "" }],
    variables: { GREETING: "hi" },
    secrets: { KEY: 1 },
    configDirectory: { path: "config", digest },
    checker: "bin/check-config",
    libraries: { requirements: digest, targets: [{ python: "3.11.2", platform: "x86_64-manylinux_2_36" }] },
  };
  const fields = (check: string) => `sorted(c.${check}.fields)`;
  expect(ask(`[${fields("NODE_STATE")}, ${fields("RELEASE")}]`)).toEqual([
    Object.keys(state).sort(),
    Object.keys(release).sort(),
  ]);
  const check = (value: string) => `c.check_arguments("converge", {"state": json.loads(${JSON.stringify(value)})})`;
  expect(ask(check(JSON.stringify(state)))).toBeNull();
  expect(ask(`c.RELEASE(json.loads(${JSON.stringify(JSON.stringify(release))}), "")`)).toBeNull();
});

it("answers with what the contract reads", () => {
  const answer: unknown = JSON.parse(
    execFileSync("python3", [sources, "hello"], {
      encoding: "utf8",
      input: "{}",
      env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
    }),
  );
  expect(z.safeParse(verbs.hello.result, answer).error).toBeUndefined();
});
