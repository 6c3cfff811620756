/** What ssh writes to stderr when it can't log in, in the real plugin's words (those of Go's net and ssh packages). */
import type { Endpoint } from "./inputs.ts";
import { agentSocket } from "./ssh-config.ts";

/** `stderr`: all of what ssh wrote. */
export function dialFailure(stderr: string, endpoint: Endpoint): string {
  const address = `${endpoint.host.includes(":") ? `[${endpoint.host}]` : endpoint.host}:${endpoint.port}`;
  if (/Host key verification failed|IDENTIFICATION HAS CHANGED/.test(stderr)) {
    return "ssh: handshake failed: ssh: host key mismatch";
  }
  const offered = /no matching host key type found\. Their offer: (\S+)/.exec(stderr)?.[1];
  if (offered !== undefined) {
    const keys = offered.replaceAll(",", " ");
    return `ssh: handshake failed: ssh: no common algorithm for host key; server offered: [${keys}]`;
  }
  const accepted = /Permission denied \(([^)]*)\)/.exec(stderr)?.[1];
  if (accepted !== undefined) {
    const tried = ["none", ...accepted.split(",").filter((method) => canTry(method, endpoint))].join(" ");
    return `ssh: handshake failed: ssh: unable to authenticate, attempted methods [${tried}], no supported methods remain`;
  }
  if (stderr.includes("Could not resolve hostname")) return `dial tcp: lookup ${endpoint.host}: no such host`;
  if (stderr.includes("timed out")) return `dial tcp ${address}: i/o timeout`;
  const refused = /(Connection refused|No route to host|Network is unreachable)/.exec(stderr)?.[1];
  if (refused !== undefined) return `dial tcp ${address}: connect: ${refused.toLowerCase()}`;
  const last = stderr.trim().split("\n").at(-1) ?? "";
  return `ssh: handshake failed: ${last === "" ? "the connection was closed" : last}`;
}

function canTry(method: string, endpoint: Endpoint): boolean {
  if (method === "publickey") return endpoint.privateKey !== undefined || agentSocket(endpoint) !== undefined;
  return endpoint.password !== undefined && (method === "password" || method === "keyboard-interactive");
}
