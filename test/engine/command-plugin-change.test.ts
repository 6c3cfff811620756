/**
 * Part of what this project relies on in local.Command and remote.Command, seen through the real engine: what a change
 * does, and how previews show it. SILVER_COMMAND_PLUGIN=<path> holds another plugin to the same table.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandProgram, setCommands, type Commands, type CommandSpec } from "../support/command-program.ts";
import { withEngine, type Engine, type PreviewStep, type ResourceState } from "../support/engine.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";

type Inputs = Omit<CommandSpec, "kind">;

interface Row {
  before: Inputs;
  after: Inputs;
  /** What the engine does: `replace` is a create and then a delete. */
  op: "same" | "update" | "replace";
  /** Each changed place and how it changed, as `preview --json` has it. */
  diff: Record<string, string>;
  /** What the resource prints after it. */
  stdout: string;
}

/** Tells which of its scripts ran, and what the run before printed. */
const scripts = { create: "echo created", update: 'echo "updated after $PULUMI_COMMAND_STDOUT"' };
const createOnly = { create: 'echo "created after [$PULUMI_COMMAND_STDOUT]"' };

const rows: Record<string, Row> = {
  nothing: { before: scripts, after: scripts, op: "same", diff: {}, stdout: "created" },
  "a secret stdin": {
    before: { ...scripts, stdin: { secret: "old secret" } },
    after: { ...scripts, stdin: { secret: "new secret" } },
    op: "update",
    diff: { stdin: "update" },
    stdout: "updated after created",
  },
  "create, with update given": {
    before: { ...scripts, create: "echo created" },
    after: { ...scripts, create: "echo never" },
    op: "update",
    diff: { create: "update" },
    stdout: "updated after created",
  },
  "create, with no update given": {
    before: createOnly,
    after: { create: `${createOnly.create} # again` },
    op: "update",
    diff: { create: "update" },
    stdout: "created after [created after []]",
  },
  "a script for updates, added": {
    before: { create: scripts.create },
    after: scripts,
    op: "update",
    diff: { update: "add" },
    stdout: "updated after created",
  },
  "one variable of the environment": {
    before: { ...scripts, environment: { version: "1.4.0", kept: "x", "a.b": "1" } },
    after: { ...scripts, environment: { version: "1.5.0", kept: "x", "a.b": "2" } },
    op: "update",
    diff: { "environment.version": "update", 'environment["a.b"]': "update" },
    stdout: "updated after created",
  },
  "variables added and taken away": {
    before: { ...scripts, environment: { old: "1" } },
    after: { ...scripts, environment: { fresh: "1" } },
    op: "update",
    diff: { "environment.old": "delete", "environment.fresh": "add" },
    stdout: "updated after created",
  },
  "an ignored variable, added": {
    before: { ...scripts, environment: { kept: "x" } },
    after: { ...scripts, environment: { kept: "x", fresh: "1" }, options: { ignoreChanges: ["environment.fresh"] } },
    op: "same",
    diff: {},
    stdout: "created",
  },
  "an ignored variable, taken away": {
    before: { ...scripts, environment: { kept: "x", old: "1" } },
    after: { ...scripts, environment: { kept: "x" }, options: { ignoreChanges: ["environment.old"] } },
    op: "same",
    diff: {},
    stdout: "created",
  },
  "the directory, taken away": {
    before: { ...scripts, dir: "/" },
    after: scripts,
    op: "update",
    diff: { dir: "delete" },
    stdout: "updated after created",
  },
  logging: {
    before: scripts,
    after: { ...scripts, logging: "none" },
    op: "update",
    diff: { logging: "add" },
    stdout: "updated after created",
  },
  "the way of passing the output on": {
    before: scripts,
    after: { ...scripts, addPreviousOutputInEnv: false },
    op: "update",
    diff: { addPreviousOutputInEnv: "add" },
    stdout: "updated after ",
  },
  "one trigger": {
    before: { ...scripts, triggers: ["a", { deep: 1 }] },
    after: { ...scripts, triggers: ["a", { deep: 2 }] },
    op: "replace",
    diff: { "triggers[1].deep": "update-replace" },
    stdout: "created",
  },
  "triggers, added": {
    before: scripts,
    after: { ...scripts, triggers: [1] },
    op: "replace",
    diff: { triggers: "add-replace" },
    stdout: "created",
  },
  "triggers, one more": {
    before: { ...scripts, triggers: [1] },
    after: { ...scripts, triggers: [1, 2] },
    op: "replace",
    diff: { "triggers[1]": "add-replace" },
    stdout: "created",
  },
  "triggers, taken away": {
    before: { ...scripts, triggers: [1] },
    after: scripts,
    op: "replace",
    diff: { triggers: "delete-replace" },
    stdout: "created",
  },
};

/** What the scripts write outside of Pulumi. */
const folder = mkdtempSync(join(tmpdir(), "silver-trace-"));
let sshd: Sshd;
let engine: Engine;
let states: Map<string, ResourceState>;
let previewed: Map<string, PreviewStep[]>;
let output: string;

const byName = (item: { urn: string }) => item.urn.split("::").at(-1) ?? "";

beforeAll(async () => {
  // One of the two variables with the last run's output is let in.
  sshd = await startSshd({ acceptEnv: ["PULUMI_COMMAND_STDOUT"] });
  const connection = { host: "127.0.0.1", port: sshd.port, user: sshd.user, privateKey: sshd.privateKey };
  const stored = { create: "echo one", stdin: { secret: "stored" } };
  const deletion = (kind: string) => `{ cat; echo " by $PULUMI_COMMAND_STDOUT"; } >>${folder}/trace-${kind}`;
  const program = (state: "before" | "after"): Commands => {
    const write = (words: string) => `echo ${words} >>${folder}/trace-replaced`;
    const commands: Commands = {
      replaced: { kind: "local", create: write("create"), delete: write("delete"), triggers: [state] },
      "remote, other connection": {
        kind: "remote",
        ...createOnly,
        connection: state === "before" ? connection : { ...connection, hostKey: sshd.hostKey },
      },
      "remote, other script": {
        kind: "remote",
        connection,
        create: `echo created; echo error >&2`,
        ...(state === "after" && { update: 'echo "$PULUMI_COMMAND_STDOUT/$PULUMI_COMMAND_STDERR"' }),
      },
      "remote, other trigger": { kind: "remote", connection, ...createOnly, triggers: [state] },
      // Only in the state once the program no longer has them.
      ...(state === "before" && {
        "local, deleted": { kind: "local", ...stored, delete: deletion("local") },
        "remote, deleted": { kind: "remote", connection, ...stored, delete: deletion("remote") },
      }),
      "reads an output": { kind: "local", create: "cat", stdin: { stdoutOf: "replaced" } },
    };
    for (const [name, row] of Object.entries(rows)) commands[name] = { kind: "local", ...row[state] };
    return commands;
  };
  engine = await withEngine(commandProgram(program("before")));
  await engine.up();
  setCommands(engine, program("after"));
  const { steps } = await engine.previewJson();
  previewed = Map.groupBy(steps, byName);
  output = await engine.up("--diff");
  const { deployment } = await engine.exportState("--show-secrets");
  states = new Map(deployment.resources?.map((resource) => [byName(resource), resource]));
});

afterAll(async () => {
  engine.remove();
  rmSync(folder, { recursive: true });
  await sshd.remove();
});

/** The step that says what changed: a replacement has two more, and what stays has none. */
const mainStep = (name: string): PreviewStep | undefined =>
  previewed.get(name)?.find(({ op }) => ["update", "replace"].includes(op));

for (const [name, { op, diff, stdout }] of Object.entries(rows)) {
  describe(`a change of ${name}`, () => {
    it(`previews as ${op}, and as that change only`, () => {
      const step = mainStep(name);
      expect(step?.op ?? "same").toBe(op);
      const kinds = Object.entries(step?.detailedDiff ?? {}).map(([path, { kind }]) => [path, kind]);
      expect(Object.fromEntries(kinds)).toEqual(diff);
    });

    it("runs the script for it, or none", () => {
      expect(states.get(name)?.outputs?.stdout).toBe(stdout);
    });
  });
}

it("shows a changed variable and hides a changed secret in the diff for people", () => {
  expect(output).toMatch(/~ version: "1\.4\.0" => "1\.5\.0"/);
  expect(output).toMatch(/~ stdin: \[secret\]/);
  expect(output).not.toMatch(/(old|new) secret/);
});

it("previews the output of a changed command as unknown, and so what depends on it as changed", () => {
  expect(mainStep("reads an output")?.detailedDiff).toMatchObject({ stdin: { kind: "update" } });
});

it("creates the new one before it deletes the old one", () => {
  expect(readFileSync(join(folder, "trace-replaced"), "utf8")).toBe("create\ncreate\ndelete\n");
});

it("runs a remote command again when its connection changed", () => {
  expect(Object.keys(mainStep("remote, other connection")?.detailedDiff ?? {})).toEqual(["connection"]);
  expect(states.get("remote, other connection")?.outputs?.stdout).toBe("created after [created after []]");
});

it("offers the last output to a remote command; what the server does not take warns and is empty", () => {
  expect(states.get("remote, other script")?.outputs?.stdout).toBe("created/");
  expect(output).toMatch(/warning: .*PULUMI_COMMAND_STDERR/);
  expect(output).not.toMatch(/warning: .*PULUMI_COMMAND_STDOUT/);
});

it("replaces a remote command when a trigger changed", () => {
  expect(mainStep("remote, other trigger")?.op).toBe("replace");
  expect(states.get("remote, other trigger")?.outputs?.stdout).toBe("created after []");
});

it("deletes with script, connection, stdin and output as they stand in the state", () => {
  for (const kind of ["local", "remote"]) {
    expect(readFileSync(join(folder, `trace-${kind}`), "utf8")).toBe("stored by one\n");
    expect(states.has(`${kind}, deleted`)).toBe(false);
  }
});
