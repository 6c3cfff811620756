import { text } from "../text/schema/fields.ts";
import { LABEL } from "../text/schema/names.ts";

/** Name or IP address of a machine. Its length is bounded first: the pattern's time grows with its square. */
export function hostName() {
  return text(new RegExp(`^(?=.{1,253}$)(?:${LABEL}(?:\\.${LABEL})*|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$`), {
    code: "bad-host",
    must: "a host name or an IP address, without user, port or path",
    example: "10.0.1.11",
    explain: (value) => {
      const [, user, host, port] = /^(?:([^@]+)@)?([A-Za-z0-9.-]+)(?::([0-9]+))?$/.exec(String(value)) ?? [];
      if (host === undefined || (user ?? port) === undefined) return undefined;
      return {
        fix: `write host: ${host}${user === undefined ? "" : `, and ssh: {user: ${user}}`}${port === undefined ? "" : `, and port: ${port}`}`,
      };
    },
  });
}

/** A public host key: type and base64. */
export function hostKey() {
  return text(/^(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{8,2000}={0,3}$/, {
    code: "bad-host-key",
    must: "a public host key: its type and its base64, with one blank between",
    example: "ssh-ed25519 AAAA…",
    explain: (value) => {
      const key = /(?:ssh|ecdsa)-\S+ +[A-Za-z0-9+/=]+/.exec(String(value))?.[0];
      return key === undefined
        ? { fix: "take it from /etc/ssh/ssh_host_ed25519_key.pub on the node" }
        : { fix: `write the type and the base64 only: ${key.replace(/ +/, " ").slice(0, 24)}…` };
    },
  });
}
