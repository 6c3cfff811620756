import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv } from "ajv";
import fc from "fast-check";
import { z } from "zod";
import { expect, it } from "vitest";
import { agentError, protocol, silenceSeconds, verbs } from "../../components/node/contract.ts";
import type { Verb } from "../../components/node/contract.ts";
import { siteUnit } from "../../components/plan/site-name.ts";
import { mutated, valueOf, type JsonSchema } from "../support/request-arbitrary.ts";

const sources = fileURLToPath(new URL("../../components/node/agent", import.meta.url));
const contract = `${sources}/silver/contract.json`;

/** What a program of Python prints as JSON, with the agent's modules at hand. */
function ask(program: string, input = ""): unknown {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  return JSON.parse(execFileSync("python3", ["-c", program], { encoding: "utf8", cwd: sources, env, input }));
}

it("speaks the protocol of the contract", () => {
  const program =
    "import json, silver.contract as c; print(json.dumps([c.read()[key] for key in ('protocol', 'silenceSeconds')]))";
  expect(ask(program)).toEqual([protocol, silenceSeconds]);
});

it("does something for every verb of the contract", () => {
  expect(ask("import json, silver.verbs as v; print(json.dumps(sorted(v.WORK)))")).toEqual(Object.keys(verbs).sort());
});

it("names a release's units as they are rendered", () => {
  const id = "1.0.0-00000000.00000000";
  const cases = [
    ["php-x", "web"],
    ["blog", "web", "mail"],
    ["blog", "check"],
  ] as const;
  const program = `import json, sys; from silver.units import name
print(json.dumps([name(site, "${id}", *words) for site, *words in json.load(sys.stdin)]))`;
  expect(ask(program, JSON.stringify(cases))).toEqual(
    cases.map(([site, role, own]) => `${siteUnit(site, role, own)}@${id}.service`),
  );
});

it("fails only with codes of the closed list", () => {
  const used = execFileSync("sh", ["-c", `cat '${sources}'/silver/*.py '${sources}'/silver/*/*.py`], {
    encoding: "utf8",
  }).matchAll(/AgentError\(\s*"([a-z-]+)"/g);
  const codes = new Set([...used].map((match) => match[1] ?? ""));
  expect([...codes].filter((code) => !agentError.shape.code.options.some((known) => known === code))).toEqual([]);
});

/** Checks requests as the agent does, a line each: null, or what it says. */
const checkAll = `
import json, sys
from silver.contract import check_arguments
from silver.errors import AgentError
def said(verb, arguments):
    try:
        check_arguments(verb, arguments)
    except AgentError as error:
        return error.message
print(json.dumps([said(*json.loads(line)) for line in sys.stdin]))
`;

it("accepts and refuses the same as zod and a JSON Schema validator", () => {
  const { verbs: schemas } = JSON.parse(readFileSync(contract, "utf8")) as { verbs: Record<Verb, JsonSchema> };
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  const names = Object.keys(verbs) as Verb[];
  const requests = names.flatMap((verb) => {
    const valid = valueOf(schemas[verb]);
    const either = fc.oneof(valid, valid.chain(mutated));
    return fc.sample(either, { numRuns: 150, seed: 7 }).map((args) => [verb, args] as const);
  });
  const said = ask(checkAll, requests.map((request) => `${JSON.stringify(request)}\n`).join("")) as (string | null)[];
  const validators = new Map(names.map((verb) => [verb, ajv.compile(schemas[verb])]));
  const verdicts = requests.map(([verb, args], index) => ({
    verb,
    args,
    zod: verbs[verb].args.safeParse(args).success,
    ajv: validators.get(verb)?.(args),
    agent: said[index] === null,
  }));
  expect(verdicts.filter(({ zod, ajv, agent }) => zod !== ajv || zod !== agent)).toEqual([]);
  for (const verb of names) {
    const own = verdicts.filter((verdict) => verdict.verb === verb);
    expect(own.filter(({ zod }) => zod).length, verb).toBeGreaterThan(40);
    expect(own.filter(({ zod }) => !zod).length, verb).toBeGreaterThan(40);
  }
});

it("answers with what the contract reads", () => {
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const answer: unknown = JSON.parse(execFileSync("python3", [sources, "hello"], { encoding: "utf8", input: "{}", env }));
  expect(z.safeParse(verbs.hello.result, answer).error).toBeUndefined();
});
