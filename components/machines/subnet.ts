/** Private ranges for local nodes, in the order tried; a clone gets a /24 from one. */
const pools = ["10.86", "172.28", "192.168"];

/** Addresses in use on this computer: kept in a file, so that a node has the same address after a reboot. */
export interface Registry {
  /** What /proc/sys/net/ipv4/ip_forward said before the first node; absent while there is none. */
  forwardingBefore?: string;
  /** By clone id. */
  clones: Record<string, RegisteredClone>;
}

export interface RegisteredClone {
  checkout: string;
  nodesDirectory: string;
  /** First three bytes of the clone's /24, e.g. `10.86.3`; this computer is `.1` in it. */
  subnet: string;
  /** Node name → last byte of its address. */
  nodes: Record<string, number>;
}

/** First and last address of `a.b.c.d/n` (or `a.b.c.d`) as numbers. */
function rangeOf(cidr: string): [number, number] {
  const [address = "", bits = "32"] = cidr.split("/");
  const number = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const size = 2 ** (32 - Number(bits));
  const first = Math.floor(number / size) * size;
  return [first, first + size - 1];
}

/** Whether two IPv4 ranges have an address in common. */
export function overlap(left: string, right: string): boolean {
  const [leftFirst, leftLast] = rangeOf(left);
  const [rightFirst, rightLast] = rangeOf(right);
  return leftFirst <= rightLast && rightFirst <= leftLast;
}

/** The first /24 (its first three bytes) that overlaps none of the taken ranges; undefined when there is none. */
export function freeSubnet(taken: readonly string[]): string | undefined {
  for (const pool of pools)
    for (let third = 1; third < 255; third++) {
      const subnet = `${pool}.${third}`;
      if (!taken.some((range) => overlap(range, `${subnet}.0/24`))) return subnet;
    }
  return undefined;
}

/** The lowest free last byte, from 2 on; undefined when the subnet is full. */
export function freeNumber(nodes: Readonly<Record<string, number>>): number | undefined {
  const used = new Set(Object.values(nodes));
  for (let number = 2; number < 255; number++) if (!used.has(number)) return number;
  return undefined;
}

/** Name of a clone's bridge; with a node's number, of the node's interface on this computer: 13 characters at most, of 15. */
export function interfaceName(cloneId: string, number?: number): string {
  return number === undefined ? `sl-${cloneId}` : `sl${cloneId}-${number}`;
}

/**
 * Hardware address of a clone's bridge (number 1) or of a node. Always the same: a recreated node, or a bridge that took
 * the address of its last port, would be unreachable until its neighbours forget the old address, half a minute later.
 */
export function hardwareAddress(cloneId: string, number: number): string {
  return ["02", ...(cloneId.match(/../g) ?? []), "00", number.toString(16).padStart(2, "0")].join(":");
}

/**
 * The firewall table for all clones: nodes reach the world under this computer's address;
 * only this computer and nodes of the same clone reach a node.
 */
export function renderSubnetFirewall(clones: readonly { id: string; subnet: string }[]): string {
  return [
    "table inet silverlining {",
    "  chain forward {",
    "    type filter hook forward priority filter; policy accept;",
    ...clones.flatMap(({ id }) => [
      `    oifname "${interfaceName(id)}" iifname != "${interfaceName(id)}" ct state established,related accept`,
      `    oifname "${interfaceName(id)}" iifname != "${interfaceName(id)}" drop`,
    ]),
    "  }",
    "  chain postrouting {",
    "    type nat hook postrouting priority srcnat; policy accept;",
    ...clones.map(({ subnet }) => `    ip saddr ${subnet}.0/24 ip daddr != ${subnet}.0/24 masquerade`),
    "  }",
    "}",
    "",
  ].join("\n");
}
