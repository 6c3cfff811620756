/**
 * Part of what this project relies on in local.Command and remote.Command, seen through the real engine: failures, and
 * what the state holds after them. SILVER_COMMAND_PLUGIN=<path> holds another plugin to the same table.
 */
import { once } from "node:events";
import { createServer } from "node:net";
import { afterAll, beforeAll, expect, it } from "vitest";
import { commandProgram, setCommands, type Commands } from "../support/command-program.ts";
import { withEngine, type Engine, type StackState } from "../support/engine.ts";
import { prepareSshd, startSshd, type Sshd } from "../support/sshd.ts";

type Connection = Record<string, unknown>;
interface Context {
  sshd: Sshd;
  connection: Connection;
  /** Below the ports that the system hands out: one of those could be somebody's by the time it is dialled. */
  closedPort: number;
}
interface Row {
  inputs: Record<string, unknown>;
  /** Absent: a local command. */
  connection?: (context: Context) => Connection;
  message: string | RegExp;
}

/** A secret that every failing command reads; no message may hold it. */
const stdin = { secret: "behind-the-curtain" };
const script = "echo said; echo complained >&2; exit 3";
const quoted = '"echo said; echo complained >&2; exit 3":\n';
const normal = ({ connection }: Context) => connection;

const rows: Record<string, Row> = {
  "local: a script that fails": { inputs: { create: script }, message: `exit status 3: running ${quoted}` },
  "local: what it printed": { inputs: { create: script }, message: /^\s*(said\s+complained|complained\s+said)$/m },
  "local: a script with quotes and lines": {
    inputs: { create: `echo "it's" \\\n  >/dev/null\n\texit 4` },
    message: `exit status 4: running "echo \\"it's\\" \\\\\\n  >/dev/null\\n\\texit 4":`,
  },
  "local: a script killed by a signal": { inputs: { create: "kill -KILL $$" }, message: "signal: killed: running" },
  "local: a script that printed very much": {
    inputs: { create: "head -c 200000 /dev/zero | tr '\\0' x; exit 5", logging: "none" },
    message: `exit status 5: running "head -c 200000 /dev/zero | tr '\\\\0' x; exit 5":\n${"x".repeat(200_000)}`,
  },
  "local: a script that is too long for an argument": {
    inputs: { create: `# ${"x".repeat(140_000)}` },
    message: "fork/exec /bin/sh: argument list too long: running",
  },
  "local: a directory that is not there": {
    inputs: { create: "true", dir: "/nowhere" },
    message: "chdir /nowhere: no such file or directory",
  },
  "local: an interpreter that is not there": {
    inputs: { create: "true", interpreter: ["no-such-shell", "-c"] },
    message: `exec: "no-such-shell": executable file not found in $PATH`,
  },
  "remote: a script that fails": {
    inputs: { create: script },
    connection: normal,
    message: `Process exited with status 3: running ${quoted}`,
  },
  "remote: a script that ends with ssh's own 255": {
    inputs: { create: "exit 255" },
    connection: normal,
    message: 'Process exited with status 255: running "exit 255":',
  },
  "remote: a script killed by a signal": {
    inputs: { create: "kill -TERM $$" },
    connection: normal,
    message: /Process exited with status 143.*: running "kill -TERM \$\$"/,
  },
  "remote: a variable the server does not accept": {
    inputs: { create: "echo ran", environment: { FORBIDDEN: "x" } },
    connection: normal,
    message: 'could not set environment variable "FORBIDDEN": ssh: setenv failed',
  },
  "remote: another host key": {
    inputs: { create: "echo ran" },
    connection: ({ connection, sshd }) => ({ ...connection, hostKey: sshd.strangerHostKey }),
    message: "after 1 failed attempts: ssh: handshake failed: ssh: host key mismatch",
  },
  "remote: a host key that is none": {
    inputs: { create: "echo ran" },
    connection: ({ connection }) => ({ ...connection, hostKey: "ssh-ed25519 nonsense" }),
    message: "failed to parse host key: ssh: no key found",
  },
  "remote: a key the host does not know": {
    inputs: { create: "echo ran" },
    connection: ({ connection, sshd }) => ({ ...connection, privateKey: sshd.strangerKey }),
    message:
      "after 1 failed attempts: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
  },
  "remote: a private key that is none": {
    inputs: { create: "echo ran" },
    connection: ({ connection }) => ({ ...connection, privateKey: "nonsense" }),
    message: "ssh: no key found",
  },
  "remote: a key behind a password that is not given": {
    inputs: { create: "echo ran" },
    connection: ({ connection, sshd }) => ({ ...connection, privateKey: sshd.encryptedKey }),
    message: "ssh: this private key is passphrase protected",
  },
  "remote: a key behind another password": {
    inputs: { create: "echo ran" },
    connection: ({ connection, sshd }) => ({ ...connection, privateKey: sshd.encryptedKey, privateKeyPassword: "wrong" }),
    message: "x509: decryption password incorrect",
  },
  "remote: nothing to log in with": {
    inputs: { create: "echo ran" },
    connection: ({ connection: { host, port, user, dialErrorLimit } }) => ({ host, port, user, dialErrorLimit }),
    message: "unable to authenticate, attempted methods [none], no supported methods remain",
  },
  "remote: an agent that is not there": {
    inputs: { create: "echo ran" },
    connection: ({ connection }) => ({ ...connection, agentSocketPath: "/nowhere/agent" }),
    message: "dial unix /nowhere/agent: connect: no such file or directory",
  },
  "remote: a port nobody listens on, tried once only": {
    inputs: { create: "echo ran" },
    connection: ({ connection, closedPort }) => ({ ...connection, port: closedPort, dialErrorLimit: 0 }),
    message: /after 0 failed attempts: dial tcp 127\.0\.0\.1:\d+: connect: connection refused/,
  },
  "remote: a host without an address": {
    inputs: { create: "echo ran" },
    connection: ({ connection }) => ({ ...connection, host: "node.invalid", dialErrorLimit: 0 }),
    message: /after 0 failed attempts: dial tcp: lookup node\.invalid.*no such host/,
  },
  "remote: a proxy that is not there": {
    inputs: { create: "echo ran" },
    connection: ({ connection, closedPort }) => ({ ...connection, proxy: { ...connection, port: closedPort } }),
    message: /proxy: after 1 failed attempts: dial tcp 127\.0\.0\.1:\d+: connect: connection refused/,
  },
};

/** Commands that are well at first: the two lists are what the program says before and after. */
const release = (version: string, connection: Connection, create: string): Commands => ({
  "local update": { kind: "local", create, environment: { release: version } },
  "remote update": { kind: "remote", connection, create },
});
const stuck: Commands = { stuck: { kind: "local", create: "true", delete: "test -e ../gone" } };

let sshd: Sshd;
let connection: Connection;
let engine: Engine;
let output: string;
/** What each failing create was reported with. */
let reports: Map<string, string>;
let state: StackState;

/** The part of the output below each resource's heading in "Diagnostics". */
function readDiagnostics(text: string): Map<string, string> {
  const [, diagnostics = ""] = text.split("\nDiagnostics:\n");
  const parts = diagnostics.split(/^ {2}(\S+ \(.*\)):$/m).slice(1);
  const found = new Map<string, string>();
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const name = /\((.*)\)/.exec(parts[index] ?? "")?.[1] ?? "";
    found.set(name, (parts[index + 1] ?? "").replace(/^ {4}/gm, ""));
  }
  return found;
}

beforeAll(async () => {
  sshd = await startSshd();
  connection = {
    host: "127.0.0.1",
    port: sshd.port,
    user: sshd.user,
    privateKey: sshd.privateKey,
    // The wait before the only retry is 0.1 s.
    dialErrorLimit: 1,
  };
  const context = { sshd, connection, closedPort: 1 };
  const commands: Commands = { ...release("1.4.0", connection, "echo fine"), ...stuck };
  for (const [name, row] of Object.entries(rows)) {
    commands[name] = row.connection
      ? { kind: "remote", connection: row.connection(context), stdin, ...row.inputs }
      : { kind: "local", stdin, ...row.inputs };
  }
  engine = await withEngine(commandProgram(commands), { environment: { SSH_AUTH_SOCK: "" } });
  output = await engine.upFails("--continue-on-error");
  reports = readDiagnostics(output);
  state = await engine.exportState();
});

afterAll(async () => {
  engine.remove();
  await sshd.remove();
});

for (const [name, { message }] of Object.entries(rows)) {
  it(`says why it failed: ${name}`, () => {
    if (typeof message === "string") expect(reports.get(name)).toContain(message);
    else expect(reports.get(name)).toMatch(message);
  });
}

it("leaves nothing of a failed create in the state, not even a pending operation", () => {
  const made = state.deployment.resources?.filter(({ type }) => type.startsWith("command:")) ?? [];
  expect(made.map(({ urn }) => urn.split("::").at(-1)).sort()).toEqual(["local update", "remote update", "stuck"]);
  expect(state.deployment.pending_operations ?? []).toEqual([]);
});

it("prints neither a secret stdin nor a key", () => {
  expect(output).not.toContain("behind-the-curtain");
  expect(output).not.toContain("PRIVATE KEY");
});

it("keeps the old state when an update fails, so that the next preview shows the change again", async () => {
  setCommands(engine, { ...release("1.5.0", connection, "exit 1"), ...stuck });
  await engine.upFails("--continue-on-error");
  const kept = new Map((await engine.exportState()).deployment.resources?.map((one) => [one.urn.split("::").at(-1), one]));
  for (const name of ["local update", "remote update"]) {
    expect(kept.get(name)?.outputs).toMatchObject({ create: "echo fine", stdout: "fine" });
  }
  expect(await engine.preview("--diff")).toMatch(/~ release: "1\.4\.0" => "1\.5\.0"/);
});

it("keeps a resource whose delete fails, and deletes it once that works", async () => {
  setCommands(engine, release("1.5.0", connection, "true"));
  expect(await engine.upFails()).toContain('exit status 1: running "test -e ../gone"');
  expect(await engine.resource("stuck")).toBeDefined();
  engine.write({ "../gone": "" });
  await engine.up();
  expect(await engine.resource("stuck")).toBeUndefined();
});

it("names what is not an input of a connection", async () => {
  setCommands(engine, {
    mistyped: { kind: "remote", connection: { ...connection, hostkey: "x" }, create: "true" },
  });
  expect(await engine.upFails()).toContain("'hostkey'");
});

it("dials again until the host answers", async () => {
  const late = await prepareSshd({ keysOf: sshd });
  // Hangs up on the first dial; what answers from the second on is an sshd.
  const decoy = createServer((socket) => socket.destroy()).listen(late.port, "127.0.0.1");
  await once(decoy, "listening");
  setCommands(engine, {
    patient: { kind: "remote", connection: { ...connection, port: late.port, dialErrorLimit: 30 }, create: "echo at last" },
  });
  const up = engine.up();
  await once(decoy, "connection");
  decoy.close();
  await once(decoy, "close");
  try {
    await late.start();
    expect(await up).toMatch(/Dial 1\/30 failed: retrying/);
    expect((await engine.resource("patient"))?.outputs?.stdout).toBe("at last");
  } finally {
    await late.remove();
  }
});
