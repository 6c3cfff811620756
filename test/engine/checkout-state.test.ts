import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { newcomer, type Newcomer } from "../support/newcomer.ts";

const makeState = "step 'State (.silver)' ensure_home";
const agentPid = (machine: Newcomer) =>
  Number(/SSH_AGENT_PID=(\d+)/.exec(readFileSync(join(machine.checkout, ".silver/ssh/agent"), "utf8"))?.[1]);
const runs = (pid: number) => existsSync(`/proc/${pid}`) && !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");

/** Agents started by a test, which a failing one would leave behind. */
const agents: number[] = [];
afterEach(() => {
  for (const pid of agents.splice(0)) if (runs(pid)) process.kill(pid);
});

/** A newcomer whose checkout has its state, and the agent that runs for it. */
async function withState(): Promise<{ machine: Newcomer; agent: number; output: string }> {
  const machine = newcomer();
  const { output, code } = await machine.run(makeState);
  expect(output).toMatch(/✓ State \(\.silver\) · \d+ s\n/);
  expect(code).toBe(0);
  const agent = agentPid(machine);
  agents.push(agent);
  return { machine, agent, output };
}

describe("the state of a checkout", () => {
  test("has a passphrase and a key that only their owner reads and nobody sees on the screen", async () => {
    const { machine, output } = await withState();
    for (const file of ["passphrase", "ssh/id_ed25519"])
      expect(statSync(join(machine.checkout, ".silver", file)).mode & 0o077).toBe(0);
    const passphrase = readFileSync(join(machine.checkout, ".silver/passphrase"), "utf8").trim();
    expect(passphrase.length).toBeGreaterThan(32);
    expect(output).not.toContain(passphrase);
  });

  test("gives `pulumi` its variables, the passphrase by file and never by value", async () => {
    const { machine } = await withState();
    const { output } = await machine.run("ensure_home; env", { PULUMI_CONFIG_PASSPHRASE: "another checkout's" });
    const silver = join(machine.checkout, ".silver");
    expect(output).toContain(`PULUMI_HOME=${silver}/pulumi-home\n`);
    expect(output).toContain(`PULUMI_BACKEND_URL=file://${silver}/state\n`);
    expect(output).toContain(`PULUMI_CONFIG_PASSPHRASE_FILE=${silver}/passphrase\n`);
    expect(output).not.toContain("PULUMI_CONFIG_PASSPHRASE=");
  });

  test("leaves an agent behind that blocks neither a reader of its output nor a waiter for the lock", async () => {
    const machine = newcomer();
    // Ends only when every process that can write to the output has ended; as scripts/env.sh, it has a second way there.
    await machine.run(`exec 3>&1; ${makeState}`);
    agents.push(agentPid(machine));
    const { code } = await machine.run('flock --nonblock "$SILVER/lock" true');
    expect(code).toBe(0);
  });

  test("stays unchanged when requested again, agent and key included", async () => {
    const { machine, agent } = await withState();
    const passphrase = readFileSync(join(machine.checkout, ".silver/passphrase"), "utf8");
    const { output } = await machine.run(`${makeState}; ssh-add -l | wc -l`);
    expect(output).toBe("✓ State (.silver) · cached\n1\n");
    expect(agentPid(machine)).toBe(agent);
    expect(readFileSync(join(machine.checkout, ".silver/passphrase"), "utf8")).toBe(passphrase);
  });

  test("gets a new agent, with the same key, when the old one has ended", async () => {
    const { machine, agent } = await withState();
    process.kill(agent);
    await expect.poll(() => runs(agent), { timeout: 10_000 }).toBe(false);
    const { output } = await machine.run(`${makeState}; ssh-add -l | wc -l`);
    agents.push(agentPid(machine));
    expect(output).toBe("✓ State (.silver) · cached\n1\n");
    expect(agentPid(machine)).not.toBe(agent);
  });

  test("ends its agent, and no other process that has its number since", async () => {
    const { machine, agent } = await withState();
    await machine.run("end_ssh_agent");
    await expect.poll(() => runs(agent), { timeout: 10_000 }).toBe(false);
    // As after a reboot: the file names a process that is somebody else's now.
    const file = join(machine.checkout, ".silver/ssh/agent");
    writeFileSync(file, readFileSync(file, "utf8").replace(/SSH_AGENT_PID=\d+/, `SSH_AGENT_PID=${process.pid}`));
    const { code } = await machine.run("end_ssh_agent");
    expect(code).toBe(0);
  });
});

describe("the variables that a shell gets", () => {
  /** As scripts/env.sh has them set; the last words are of the shell that did. */
  const fill = "note_given; ensure_home; return_agent; print_home >set";
  const after = async (machine: Newcomer, environment: Record<string, string>, words = "") => {
    const { output, code } = await machine.run(`(${fill}); . ./set; echo; env; ${words}`, environment);
    expect(code, output).toBe(0);
    agents.push(agentPid(machine));
    return output;
  };
  /** A person's own agent: its socket, and the variable that names it. */
  const ownAgent = async (machine: Newcomer) => {
    const socket = join(machine.home, "agent");
    const { output } = await machine.run(`ssh-agent -s -a "${socket}"`);
    agents.push(Number(/SSH_AGENT_PID=(\d+)/.exec(output)?.[1]));
    return socket;
  };

  test("are filled in where nothing is set", async () => {
    const machine = newcomer();
    const silver = join(machine.checkout, ".silver");
    const output = await after(machine, {});
    expect(output).toContain(`\nPULUMI_BACKEND_URL=file://${silver}/state\n`);
    expect(output).toContain(`\nPULUMI_CONFIG_PASSPHRASE_FILE=${silver}/passphrase\n`);
    expect(output).toMatch(/\nSSH_AUTH_SOCK=.+\n/);
  });

  test.each([
    ["backend", { PULUMI_BACKEND_URL: "s3://states" }],
    ["passphrase", { PULUMI_CONFIG_PASSPHRASE: "given" }],
    ["passphrase that is empty", { PULUMI_CONFIG_PASSPHRASE: "" }],
    ["passphrase by file", { PULUMI_CONFIG_PASSPHRASE_FILE: "/root/passphrase" }],
    ["switch", { PULUMI_SKIP_UPDATE_CHECK: "false" }],
  ])("stay where one is set: a %s", async (_, given) => {
    const output = await after(newcomer(), given);
    for (const [name, value] of Object.entries(given)) expect(output).toContain(`\n${name}=${value}\n`);
    if ("PULUMI_CONFIG_PASSPHRASE" in given) expect(output).not.toContain("\nPULUMI_CONFIG_PASSPHRASE_FILE=");
    expect(output).toContain("\nPULUMI_HOME=");
  });

  test("replace those of another checkout", async () => {
    const machine = newcomer();
    const output = await after(machine, {
      PULUMI_BACKEND_URL: "file:///elsewhere/.silver/state",
      PULUMI_CONFIG_PASSPHRASE_FILE: "/elsewhere/.silver/passphrase",
    });
    expect(output).not.toContain("elsewhere");
    expect(output).toContain(`\nPULUMI_BACKEND_URL=file://${machine.checkout}/.silver/state\n`);
  });

  test("leave an SSH agent that answers, which gets the key of local nodes", async () => {
    const machine = newcomer();
    const socket = await ownAgent(machine);
    const output = await after(machine, { SSH_AUTH_SOCK: socket }, "ssh-add -L");
    expect(output).toContain(`\nSSH_AUTH_SOCK=${socket}\n`);
    expect(output).toContain(readFileSync(join(machine.checkout, ".silver/ssh/id_ed25519.pub"), "utf8").split(" ")[1]);
  });

  test("replace the SSH agent of another checkout, and no other agent with keys", async () => {
    const machine = newcomer();
    const socket = await ownAgent(machine);
    const addKey = (of: string, file: string) =>
      machine.run(`ssh-keygen -q -t ed25519 -N '' -C '${of}' -f ${file}; ssh-add -q ${file}`, { SSH_AUTH_SOCK: socket });
    await addKey("silverlining /elsewhere", "theirs");
    expect(await after(machine, { SSH_AUTH_SOCK: socket })).not.toContain(`\nSSH_AUTH_SOCK=${socket}\n`);
    await addKey("me@laptop", "mine");
    expect(await after(machine, { SSH_AUTH_SOCK: socket })).toContain(`\nSSH_AUTH_SOCK=${socket}\n`);
  });

  test("replace an SSH agent that does not answer", async () => {
    const machine = newcomer();
    const output = await after(machine, { SSH_AUTH_SOCK: join(machine.home, "gone") }, "ssh-add -L");
    expect(output).not.toContain("gone");
    expect(output).toContain("ssh-ed25519 ");
  });

  test("leave the file of a stack dev whose state is kept elsewhere", async () => {
    const machine = newcomer();
    const file = join(machine.checkout, "stacks/Pulumi.dev.yaml");
    mkdirSync(dirname(file));
    writeFileSync(file, "encryptionsalt: v1:abc\nconfig:\n  silverlining:secrets:\n    secure: v1:xyz\n");
    await after(machine, { PULUMI_BACKEND_URL: "s3://states", PULUMI_CONFIG_PASSPHRASE: "given" });
    expect(existsSync(file)).toBe(true);
  });
});

describe("a stack's file whose passphrase is gone", () => {
  const stackFile = (machine: Newcomer) => join(machine.checkout, "stacks/Pulumi.dev.yaml");
  const withFile = (text: string) => {
    const machine = newcomer();
    mkdirSync(dirname(stackFile(machine)));
    writeFileSync(stackFile(machine), text);
    return machine;
  };

  test("is removed when it holds the salt alone", async () => {
    const machine = withFile("encryptionsalt: v1:abc\n");
    const { code } = await machine.run("ensure_home; end_ssh_agent");
    expect(code).toBe(0);
    expect(existsSync(stackFile(machine))).toBe(false);
  });

  test("stays when it holds secrets, and the message says what to do", async () => {
    const machine = withFile("encryptionsalt: v1:abc\nconfig:\n  silverlining:secrets:\n    secure: v1:xyz\n");
    const { output, code } = await machine.run("ensure_home");
    expect(code).toBe(1);
    expect(output).toContain("holds secrets, and the passphrase they were encrypted with is gone (.silver/passphrase).");
    expect(output).toContain("Bring .silver back, or delete that file and set its secrets again.");
    expect(existsSync(stackFile(machine))).toBe(true);
  });
});
