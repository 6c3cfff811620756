import type { z } from "zod";
import { count } from "../../text/schema/quantities.ts";
import { hostKey, hostName } from "../machine-fields.ts";
import type { MachineKind } from "./kind.ts";

const keys = {
  host: hostName().exactOptional().describe("Name or address of a machine that SSH reaches. Needs hostKey."),
  port: count(1, 65_535, 22).prefault(22).describe("Port of its SSH server."),
  hostKey: hostKey()
    .exactOptional()
    .describe("Its public host key, type and base64: without it another machine in its place would go unnoticed."),
};

interface Host {
  kind: "host";
  host: string;
  port: number;
  hostKey: string;
}

/** An existing machine, which the project did not create. */
export const host = {
  keys,
  is: "has a host",
  given: (node) => (["host", "hostKey"] as const).filter((key) => node[key] !== undefined),
  judge: (node) => {
    if (node.host === undefined)
      return { key: "hostKey", message: "has a hostKey but no host", fix: "add host: its name or address" };
    if (node.hostKey !== undefined) return undefined;
    const fix = `add hostKey: the first two words of /etc/ssh/ssh_host_ed25519_key.pub on ${node.host}`;
    return { key: "host", message: "has a host but no hostKey", fix };
  },
  read: ({ host = "", port, hostKey = "" }): Host => ({ kind: "host", host, port, hostKey }),
  isMade: false,
  // Enough of a key to distinguish it from others.
  tell: ({ host, port, hostKey }: Host) => `${host}:${port}, key …${hostKey.slice(-8)}`,
} as const satisfies MachineKind<z.output<z.ZodObject<typeof keys>>, Host>;
