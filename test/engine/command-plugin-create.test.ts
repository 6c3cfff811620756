/**
 * Part of what this project relies on in local.Command and remote.Command, seen through the real engine: creating.
 * The same table holds for the real plugin and for our stand-in: SILVER_COMMAND_PLUGIN=<path> runs it with that one.
 */
import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandProgram, type Commands } from "../support/command-program.ts";
import { withEngine, type Engine, type ResourceState } from "../support/engine.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";

interface Row {
  inputs: Record<string, unknown>;
  stdout: string;
  stderr?: string;
}

const both: Record<string, Row> = {
  "prints to both streams": {
    inputs: { create: "printf 'two lines\\nand an empty one\\n\\n'; echo problem >&2" },
    stdout: "two lines\nand an empty one\n",
    stderr: "problem",
  },
  "reads its stdin": { inputs: { create: "cat", stdin: "first\nsecond" }, stdout: "first\nsecond" },
  "reads a secret stdin": { inputs: { create: "wc -c", stdin: { secret: "behind-the-curtain" } }, stdout: "18" },
  "finds its stdin empty when none is given": { inputs: { create: "cat; echo end" }, stdout: "end" },
  "does not read its stdin": { inputs: { create: "echo done", stdin: "x".repeat(200_000) }, stdout: "done" },
  "has nothing to create": { inputs: { delete: "true" }, stdout: "" },
  "is a script of several lines": {
    inputs: { create: `# it's a "comment"\nif true; then\n  echo 'a  b' "$((1 + 1))" \\\\ \`echo c\`\nfi` },
    stdout: "a  b 2 \\ c",
  },
  "is a long script": { inputs: { create: `# ${"x".repeat(90_000)}\necho end` }, stdout: "end" },
  "prints more than ASCII": { inputs: { create: "echo 'Grüße, 世界 🎉'" }, stdout: "Grüße, 世界 🎉" },
};
const local: Record<string, Row> = {
  ...both,
  "gets its environment besides ours": {
    inputs: { create: 'echo "$ADDED/$OURS"', environment: { ADDED: "a 'b'\nc" } },
    stdout: "a 'b'\nc/ours",
  },
  "runs in a directory": { inputs: { create: 'basename "$PWD"', dir: "below" }, stdout: "below" },
  "runs in the program's directory": { inputs: { create: 'basename "$PWD"' }, stdout: "program" },
  "has an interpreter": { inputs: { create: "not sh", interpreter: ["printf", "<%s>"] }, stdout: "<not sh>" },
};
const remote: Record<string, Row> = {
  ...both,
  "gets an environment that the server accepts": {
    inputs: { create: 'echo "$ALLOWED"', environment: { ALLOWED: `a 'b' "c" $d` } },
    stdout: `a 'b' "c" $d`,
  },
  "runs in the login shell": {
    inputs: { create: 'basename "$0"' },
    stdout: basename(userInfo().shell ?? "sh"),
  },
};

type Connection = Record<string, unknown>;
const logins: Record<string, (by: { key: Connection; sshd: Sshd; agent: string }) => Connection> = {
  "with a key": ({ key }) => key,
  "with a key behind a password": ({ key, sshd }) => ({
    ...key,
    privateKey: sshd.encryptedKey,
    privateKeyPassword: sshd.passphrase,
  }),
  "through the agent of SSH_AUTH_SOCK": ({ key: { host, port, user, hostKey } }) => ({ host, port, user, hostKey }),
  "through an agent by its path": ({ key: { host, port, user }, agent }) => ({ host, port, user, agentSocketPath: agent }),
  "to a host it does not verify": ({ key: { host, port, user, privateKey } }) => ({ host, port, user, privateKey }),
  "through a proxy": ({ key }) => ({ ...key, proxy: key }),
};
const loggings = ["default", "stdout", "stderr", "stdoutAndStderr", "none"];

let sshd: Sshd;
let engine: Engine;
let output: string;
let encrypted: string;
let states: Map<string, ResourceState>;

beforeAll(async () => {
  sshd = await startSshd({ acceptEnv: ["ALLOWED"] });
  const agent = await sshd.startAgent();
  const key = {
    host: "127.0.0.1",
    port: sshd.port,
    user: sshd.user,
    privateKey: sshd.privateKey,
    hostKey: sshd.hostKey,
  };
  const commands: Commands = {
    "secret output": {
      kind: "local",
      create: "echo hidden-$((40 + 2))",
      logging: "none",
      options: { additionalSecretOutputs: ["stdout"] },
    },
  };
  for (const [name, { inputs }] of Object.entries(local)) commands[`local ${name}`] = { kind: "local", ...inputs };
  for (const [name, { inputs }] of Object.entries(remote)) {
    commands[`remote ${name}`] = { kind: "remote", connection: key, ...inputs };
  }
  for (const [name, login] of Object.entries(logins)) {
    commands[`login ${name}`] = { kind: "remote", connection: login({ key, sshd, agent }), create: "echo in" };
  }
  for (const logging of loggings) {
    // The words are put together by the shell: the script itself is no hit.
    const create = `echo ${logging}-out-$((6 * 7)); echo ${logging}-err-$((6 * 7)) >&2`;
    const inputs = logging === "default" ? { create } : { create, logging };
    commands[`local log ${logging}`] = { kind: "local", ...inputs };
    commands[`remote log ${logging}`] = { kind: "remote", connection: key, ...inputs };
  }
  engine = await withEngine(commandProgram(commands), { environment: { SSH_AUTH_SOCK: agent, OURS: "ours" } });
  mkdirSync(join(engine.folder, "program/below"));
  output = await engine.up();
  encrypted = JSON.stringify(await engine.exportState());
  const { deployment } = await engine.exportState("--show-secrets");
  states = new Map(deployment.resources?.map((resource) => [resource.urn.split("::").at(-1) ?? "", resource]));
});

afterAll(async () => {
  engine.remove();
  await sshd.remove();
});

for (const [kind, rows] of Object.entries({ local, remote })) {
  for (const [name, { stdout, stderr = "" }] of Object.entries(rows)) {
    it(`keeps what a ${kind} command printed that ${name}`, () => {
      expect(states.get(`${kind} ${name}`)?.outputs).toMatchObject({ stdout, stderr });
    });
  }
}

for (const name of Object.keys(logins)) {
  it(`logs in ${name}`, () => {
    expect(states.get(`login ${name}`)?.outputs).toMatchObject({ stdout: "in", stderr: "" });
  });
}

for (const kind of ["local", "remote"]) {
  it(`logs the streams of a ${kind} command that its logging names, and both by default`, () => {
    const lines = output.split("\n").filter((line) => line.includes(`command:${kind}:Command ${kind} log`));
    const logged = lines.flatMap((line) => line.match(/\w+-(?:out|err)-42/g) ?? []);
    expect([...new Set(logged)].sort()).toEqual([
      "default-err-42",
      "default-out-42",
      "stderr-err-42",
      "stdout-out-42",
      "stdoutAndStderr-err-42",
      "stdoutAndStderr-out-42",
    ]);
  });
}

it("keeps secret inputs, all of a connection and declared secret outputs encrypted in the state", () => {
  for (const secret of ["behind-the-curtain", "PRIVATE KEY", sshd.passphrase, "127.0.0.1", "hidden-42"]) {
    expect(encrypted).not.toContain(secret);
  }
});

it("prints no secret", () => {
  for (const secret of ["behind-the-curtain", "PRIVATE KEY", sshd.passphrase]) expect(output).not.toContain(secret);
});

it("fills in a connection's defaults and marks key and password as secrets of their own inside it", () => {
  const { plaintext } = states.get("login with a key behind a password")?.inputs?.connection as { plaintext: string };
  expect(JSON.parse(plaintext)).toMatchObject({
    dialErrorLimit: 10,
    perDialTimeout: 15,
    privateKey: { plaintext: expect.stringContaining("PRIVATE KEY") as string },
    privateKeyPassword: { plaintext: JSON.stringify(sshd.passphrase) },
  });
});

it("gives a resource its name and eight hex digits as id", () => {
  expect(states.get("secret output")?.id).toMatch(/^secret output[0-9a-f]{8}$/);
});

it("finds nothing to do when nothing changed but the agent's socket", async () => {
  engine.environment.SSH_AUTH_SOCK = await sshd.startAgent();
  const { changeSummary } = await engine.previewJson();
  expect(Object.keys(changeSummary ?? {})).toEqual(["same"]);
});
