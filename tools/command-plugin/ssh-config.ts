/** The files the system's ssh needs for one endpoint: no address, user or secret ever stands in a process's arguments. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import type { Endpoint } from "./inputs.ts";

export interface SshFolder {
  /** To be given as `ssh -F config node`. */
  config: string;
  /** Where the private key is, if one was given. */
  key: string;
  /** Environment of the ssh that logs in. */
  environment: Record<string, string>;
  /** Deletes the key and the passwords; an open connection does not need them. */
  forgetSecrets(): void;
}

/** Writes the files of `endpoint` to `folder`, readable by this user only. `proxyCommand`: reaches it through another host. */
export function writeSshFolder(folder: string, endpoint: Endpoint, proxyCommand?: string): SshFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (name: string, content: string, mode = 0o600) => {
    writeFileSync(`${folder}/${name}`, content, { mode });
  };
  write("config", renderSshConfig(folder, endpoint, proxyCommand));
  if (endpoint.hostKey !== undefined) write("known_hosts", `node ${parseHostKey(endpoint.hostKey).line}\n`);
  // OpenSSH refuses a key without a newline at its end.
  if (endpoint.privateKey !== undefined) write("key", `${endpoint.privateKey.trimEnd()}\n`);
  const answers = { passphrase: endpoint.privateKeyPassword, password: endpoint.password };
  for (const [name, content] of Object.entries(answers)) if (content !== undefined) write(name, `${content}\n`);
  write("askpass", `#!/bin/sh\ncase $1 in *passphrase*) cat ${folder}/passphrase ;; *) cat ${folder}/password ;; esac\n`, 0o700);
  return {
    config: `${folder}/config`,
    key: `${folder}/key`,
    environment: { SSH_ASKPASS: `${folder}/askpass`, SSH_ASKPASS_REQUIRE: "force" },
    forgetSecrets: () => {
      for (const name of ["key", "passphrase", "password"]) rmSync(`${folder}/${name}`, { force: true });
    },
  };
}

export function renderSshConfig(folder: string, endpoint: Endpoint, proxyCommand?: string): string {
  const { hostKey, privateKey, privateKeyPassword, password } = endpoint;
  const agent = agentSocket(endpoint);
  const lines = [
    "Host node",
    `HostName ${safeWord("host", endpoint.host, /^[A-Za-z0-9:][\w.:-]*$/)}`,
    `Port ${Math.trunc(endpoint.port)}`,
    `User ${safeWord("user", endpoint.user, /^[^\s"'%$\\-][^\s"'%$\\]*$/)}`,
    ...(endpoint.perDialTimeout > 0 ? [`ConnectTimeout ${Math.trunc(endpoint.perDialTimeout)}`] : []),
    ...(proxyCommand === undefined ? [] : [`ProxyCommand ${proxyCommand}`]),
    // A node that disappears silently is noticed within a minute: a shared connection must not hang the next command.
    "ServerAliveInterval 15",
    "ServerAliveCountMax 4",
    "HostKeyAlias node",
    "GlobalKnownHostsFile /dev/null",
    "UpdateHostKeys no",
    ...(hostKey === undefined
      ? ["StrictHostKeyChecking no", "UserKnownHostsFile /dev/null"]
      : [
          "StrictHostKeyChecking yes",
          `UserKnownHostsFile ${folder}/known_hosts`,
          `HostKeyAlgorithms ${parseHostKey(hostKey).algorithms}`,
        ]),
    `PreferredAuthentications ${password === undefined ? "publickey" : "publickey,password,keyboard-interactive"}`,
    `PubkeyAuthentication ${privateKey !== undefined || agent !== undefined ? "yes" : "no"}`,
    // Only the given key is offered: an agent with many keys would use up the server's tries.
    ...(privateKey === undefined ? ["IdentityFile none"] : [`IdentityFile ${folder}/key`, "IdentitiesOnly yes"]),
    `IdentityAgent ${agent === undefined ? "none" : `"${safeWord("agentSocketPath", agent, /^\/[^"%$\\\n]*$/)}"`}`,
    `BatchMode ${privateKeyPassword === undefined && password === undefined ? "yes" : "no"}`,
    "NumberOfPasswordPrompts 1",
    `ControlPath ${folder}/socket`,
    "LogLevel ERROR",
  ];
  return `${lines.join("\n  ")}\n`;
}

/** What ssh itself needs; none of our variables goes to a node unasked. */
export const sshEnvironment = (): Record<string, string> => ({
  PATH: process.env.PATH ?? "/usr/bin:/bin",
  HOME: process.env.HOME ?? "/",
});

export const agentSocket = (endpoint: Endpoint): string | undefined =>
  endpoint.agentSocketPath ?? (process.env.SSH_AUTH_SOCK === "" ? undefined : process.env.SSH_AUTH_SOCK);

/** A public key as in authorized_keys: type, base64 and maybe a comment. Errors in the real plugin's words. */
export function parseHostKey(text: string): { line: string; algorithms: string } {
  const [type = "", blob = ""] = text.trim().split(/\s+/);
  const bytes = Buffer.from(blob, "base64");
  // The key says its own type: a length in 4 bytes, then the name.
  if (type === "" || bytes.length < 4 || bytes.toString("latin1", 4, 4 + bytes.readUInt32BE(0)) !== type) {
    throw new Error("failed to parse host key: ssh: no key found");
  }
  // An RSA key signs with SHA-2 now; its own type means SHA-1, which servers refuse.
  return { line: `${type} ${blob}`, algorithms: type === "ssh-rsa" ? "rsa-sha2-512,rsa-sha2-256" : type };
}

/** ssh_config has no way to write every character, and the host also goes through a shell where there is a proxy. */
function safeWord(what: string, text: string, allowed: RegExp): string {
  if (allowed.test(text)) return text;
  throw new Error(`connection.${what} ${JSON.stringify(text)}: the stand-in takes only what matches ${allowed.source}`);
}
