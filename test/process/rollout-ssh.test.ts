// The real ssh against an sshd of the test's own: what a person has set for logins must not stop a rollout.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { reachHost } from "../../components/machines/host-machine.ts";
import { agentCommand, explainConnection, makeSshFiles } from "../../components/rollout/ssh.ts";
import { upload } from "../../components/rollout/upload.ts";
import { startSshd, type Sshd } from "../support/sshd.ts";

let sshd: Sshd;
let work: string;

beforeAll(async () => {
  sshd = await startSshd();
  work = mkdtempSync(join(tmpdir(), "rollout-ssh-"));
  mkdirSync(join(work, "bin"));
  // ssh reads the configuration of who runs it, whatever HOME says.
  writeFileSync(join(work, "bin/ssh"), `#!/bin/sh\nexec /usr/bin/ssh -F ${join(work, "config")} "$@"\n`, { mode: 0o755 });
  vi.stubEnv("SSH_AUTH_SOCK", await sshd.startAgent());
});

afterEach(() => {
  rmSync(join(sshd.folder, ".bashrc"), { force: true });
});

afterAll(async () => {
  vi.unstubAllEnvs();
  await sshd.remove();
  rmSync(work, { recursive: true });
});

const node = (hostKey = sshd.hostKey) => ({
  name: "web1",
  address: "127.0.0.1",
  port: sshd.port,
  user: sshd.user,
  hostKey: hostKey.split(" ").slice(0, 2).join(" "),
});

/** How a session fails: no agent is installed here, so `agent-missing` says that the login went through. */
function connect(config: string, hostKey?: string, proxy?: string) {
  writeFileSync(join(work, "config"), config);
  const ssh = makeSshFiles([node(hostKey)], proxy);
  const route = ssh.routeTo(node(hostKey));
  const [program = "", ...words] = agentCommand(route);
  const env = { ...process.env, PATH: `${join(work, "bin")}${delimiter}${process.env.PATH ?? ""}` };
  const { status, stderr } = spawnSync(program, words, { env, encoding: "utf8", input: "" });
  ssh.remove();
  return explainConnection(route, { code: status }, stderr);
}

test.each([
  ["nothing", ""],
  ["a command of its own", "Host *\n  RemoteCommand tmux new -A -s main\n  RequestTTY yes\n"],
  ["keys from files alone", "Host *\n  IdentitiesOnly yes\n  IdentityFile /nonexistent\n"],
])("a configuration that sets %s does not stop a session", (_, config) => {
  expect(connect(config)).toMatchObject({ code: "agent-missing" });
});

test("nor does a command of its own on the way through a proxy", () => {
  const known = "StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n";
  const config = `Host *\n  RemoteCommand tmux new -A -s main\n  IdentitiesOnly yes\nHost localhost\n  ${known}`;
  const keys = `IdentityFile ${join(sshd.folder, "user")}\n`;
  expect(connect(`${config}  ${keys}`, undefined, `${sshd.user}@localhost:${sshd.port}`)).toMatchObject({
    code: "agent-missing",
  });
});

test("another host key is told as a line for the environment", () => {
  const { code, fix } = connect("", sshd.strangerHostKey);
  expect({ code, fix }).toEqual({
    code: "host-key",
    fix: `if web1 was set up again, write into the environment hostKey: "${sshd.hostKey.split(" ").slice(0, 2).join(" ")}"; if not, find out what answers there`,
  });
});

test("a login shell that prints something is no other system, and an upload says how to silence it", async () => {
  writeFileSync(join(sshd.folder, ".bashrc"), "echo 'Welcome to web1'\necho more\n");
  const reached = reachHost({ ...node(), os: "debian-13" });
  const os = await reached.then(
    () => "debian-13",
    (error: unknown) => String(error),
  );
  expect(os).not.toContain("no system with");
  expect(os).not.toContain("Welcome");
  writeFileSync(join(work, "app.py"), "");
  const known = join(work, "known_hosts");
  writeFileSync(known, `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`);
  await expect(
    upload({
      node: "web1",
      from: work,
      paths: ["app.py"],
      target: `${sshd.user}@127.0.0.1:${join(work, "there")}/`,
      shell: ["-e", `/usr/bin/ssh -F none -p ${sshd.port} -o BatchMode=yes -o UserKnownHostsFile=${known}`],
      onProgress: () => undefined,
      linkFrom: [],
      signal: new AbortController().signal,
    }),
  ).rejects.toMatchObject({
    details: {
      message: "the login shell on web1 prints something by itself, which rsync takes for its other side",
      fix: "begin ~/.bashrc there with: case $- in *i*) ;; *) return ;; esac",
    },
  });
});
