import { spawnSync } from "node:child_process";
import { hash } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FailureDetails } from "./failure.ts";
import type { RolloutNode } from "./rollout.ts";

/** Seconds for TCP and login, and seconds of silence after which ssh gives up on a node. */
const connectSeconds = 10;
const aliveSeconds = 5;

/** Files that SSH needs for one node, in a directory that only its owner can read. */
export interface SshFiles {
  knownHosts: string;
  /** Socket through which an upload shares the session's connection. */
  control: string;
}

/** How SSH reaches one node. */
export interface SshRoute {
  node: RolloutNode;
  proxy: string | undefined;
  files: SshFiles;
}

/** Makes a directory with every node's host key. `remove` deletes it; safe to call twice. */
export function makeSshFiles(
  nodes: readonly RolloutNode[],
  proxy: string | undefined,
): { routeTo: (node: RolloutNode) => SshRoute; remove: () => void } {
  // Not os.tmpdir(): a socket's path is limited to 108 bytes, of which ssh uses some itself.
  const directory = mkdtempSync("/tmp/silver-");
  chmodSync(directory, 0o700);
  const routes = new Map(
    nodes.map((node, index) => {
      const files = { knownHosts: join(directory, `${index}.hosts`), control: join(directory, `${index}.s`) };
      writeFileSync(files.knownHosts, `${alias(node)} ${node.hostKey}\n`, { mode: 0o600 });
      return [node.name, { node, proxy, files }];
    }),
  );
  return {
    routeTo: (node) => {
      const route = routes.get(node.name);
      if (route === undefined) throw new Error(`node ${node.name} is not in this set of connections`);
      return route;
    },
    remove: () => {
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The command that starts the agent on a node, with its stdin and stdout as the session. It contains no secret. */
export function agentCommand(route: SshRoute): string[] {
  const { node, proxy, files } = route;
  return [
    "ssh",
    "-T",
    ...options({
      ControlMaster: "yes",
      ControlPath: files.control,
      ControlPersist: "no",
      BatchMode: "yes",
      StrictHostKeyChecking: "yes",
      UserKnownHostsFile: files.knownHosts,
      GlobalKnownHostsFile: "/dev/null",
      HostKeyAlias: alias(node),
      // Only the known type, so that a server with several keys shows the one to compare.
      HostKeyAlgorithms: keyAlgorithms(node.hostKey),
      UpdateHostKeys: "no",
      CheckHostIP: "no",
      PreferredAuthentications: "publickey",
      // What people set for their own logins: a command of their own in place of ours, and only keys that stand in files.
      RemoteCommand: "none",
      IdentitiesOnly: "no",
      ConnectTimeout: String(connectSeconds),
      ServerAliveInterval: String(aliveSeconds),
      ServerAliveCountMax: "3",
      ForwardAgent: "no",
      ForwardX11: "no",
      ClearAllForwardings: "yes",
      LogLevel: "INFO",
    }),
    ...(proxy === undefined ? [] : ["-J", proxy.includes("@") ? proxy : `${node.user}@${proxy}`]),
    "-p",
    String(node.port),
    `${node.user}@${node.address}`,
    ...(node.user === "root" ? [] : ["sudo", "-n"]),
    "/usr/local/bin/silver-agent",
    "serve",
  ];
}

/**
 * The command that runs a command on a node, which the session of `agentCommand` began, over that session's own connection. It contains
 * no word of it.
 * @param terminal whether it gets a terminal there, as large as the one here
 */
export function attachCommand({ node, files }: SshRoute, run: string, terminal: boolean): string[] {
  const only = { ControlMaster: "no", BatchMode: "yes", ProxyCommand: "false", RemoteCommand: "none", LogLevel: "ERROR" };
  return [
    ...["ssh", terminal ? "-tt" : "-T", "-S", files.control, ...options(only)],
    `${node.user}@${alias(node)}`,
    ...(node.user === "root" ? [] : ["sudo", "-n"]),
    ...["/usr/local/bin/silver-agent", "attach", run],
  ];
}

/** rsync's remote shell, remote program and target for sending files over the session's own connection. */
export function rsyncWords(route: SshRoute, directory: string): { shell: string[]; target: string } {
  const { node, files } = route;
  const shell = [
    "-e",
    `ssh -S ${files.control} -o ControlMaster=no -o BatchMode=yes -o ProxyCommand=false -o RemoteCommand=none`,
  ];
  const path = node.user === "root" ? [] : ["--rsync-path", "sudo -n rsync"];
  // The name is never resolved: either the connection exists already, or none can be made (`ProxyCommand=false`).
  return { shell: [...shell, ...path], target: `${node.user}@${alias(node)}:${directory}/` };
}

/** Explains like `explainSsh`; where a node showed another host key, it is asked for the whole of that key. */
export function explainConnection(route: SshRoute, exit: { code: number | null }, stderr: string): Omit<FailureDetails, "step"> {
  return explainSsh(route, exit, stderr, shownKey);
}

/** The host key with a fingerprint, as `hostKey` has it, that answers at a node's address; undefined when none does, or behind a proxy. */
function shownKey({ node, proxy }: SshRoute, found: string): string | undefined {
  if (proxy !== undefined) return undefined;
  const words = ["-T", "5", "-p", String(node.port), "-t", "ed25519,ecdsa,rsa", "--", node.address];
  const { error, stdout } = spawnSync("ssh-keyscan", words, { encoding: "utf8", timeout: 10_000 });
  if (error !== undefined) return undefined;
  const keys = stdout.split("\n").map((line) => line.split(" ").slice(1).join(" "));
  return keys.find((key) => key !== "" && fingerprint(key) === found);
}

/**
 * Explains why a session with a node failed to start.
 * @param stderr what ssh, sudo or the remote shell wrote
 * @param keyOf the host key with a fingerprint. Default: nobody asks for it
 */
export function explainSsh(
  route: SshRoute,
  exit: { code: number | null },
  stderr: string,
  keyOf: (route: SshRoute, found: string) => string | undefined = () => undefined,
): Omit<FailureDetails, "step"> {
  const { node } = route;
  const where = `${node.user}@${node.address}:${node.port}`;
  const lines = stderr.trim().split("\n");
  const last = lines.at(-1)?.trim() ?? "";
  const refused = lines.find((line) => line.includes("Permission denied"))?.trim();
  const distrusted = distrust.test(stderr);
  if (distrusted && route.proxy !== undefined && !stderr.includes(alias(node))) {
    return {
      node: node.name,
      code: "host-key",
      message: `the host key of the proxy ${route.proxy}, on the way to ${node.name}, is unknown here: ${lines[0] ?? ""}`,
      fix: `log in there once (ssh ${route.proxy}) and compare its key: known_hosts then has it`,
    };
  }
  if (distrusted) {
    const found = /SHA256:[A-Za-z0-9+/=]+/.exec(stderr)?.[0];
    const key = found === undefined ? undefined : keyOf(route, found);
    const take =
      key === undefined
        ? `its new hostKey into the environment: the first two words of /etc/ssh/ssh_host_ed25519_key.pub there`
        : `into the environment hostKey: "${key}"`;
    return {
      node: node.name,
      code: "host-key",
      message: `${where} showed another host key: expected ${fingerprint(node.hostKey)}, found ${found ?? "one of another type"}`,
      fix: `if ${node.name} was set up again, write ${take}; if not, find out what answers there`,
    };
  }
  if (refused !== undefined) {
    return {
      node: node.name,
      code: "login",
      message: `${where} refused the login: ${refused}`,
      fix: `load a key that is accepted there into the SSH agent (ssh-add -l lists the loaded ones)`,
    };
  }
  if (stderr.includes("sudo:")) {
    return {
      node: node.name,
      code: "login",
      message: `${node.user} may not use sudo on ${node.name}: ${last}`,
      fix: `let ${node.user} use sudo without a password there, or log in as root`,
    };
  }
  if (exit.code === 127 || exit.code === 126 || /silver-agent.*(not found|No such file)/.test(stderr)) {
    return {
      node: node.name,
      code: "agent-missing",
      message: `${node.name} has no agent (${last || `exit code ${exit.code ?? "none"}`})`,
      fix: "run the node's own command first: pulumi up sets nodes up before it rolls sites out",
    };
  }
  return {
    node: node.name,
    code: "unreachable",
    message: `${where} can't be reached: ${last || `ssh ended with ${exit.code ?? "a signal"}`}`,
    fix: `check that ${node.name} is up and its address and port are right; npm run up starts a local node`,
  };
}

/** SHA-256 fingerprint of a public key as ssh prints it. */
export function fingerprint(hostKey: string): string {
  const blob = Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${hash("sha256", blob, "base64").replace(/=+$/, "")}`;
}

/** What ssh says about an unknown host key. */
const distrust = /REMOTE HOST IDENTIFICATION HAS CHANGED|Host key verification failed|no matching host key type/;

/** Name under which a node's host key is stored: several nodes may share an address. */
const alias = (node: RolloutNode): string => `silver-node-${node.name}`;

const options = (settings: Record<string, string>): string[] =>
  Object.entries(settings).flatMap(([key, value]) => ["-o", `${key}=${value}`]);

function keyAlgorithms(hostKey: string): string {
  const type = hostKey.split(" ")[0] ?? "";
  return type === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type;
}
