import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clone } from "./clone.ts";
import { withLock } from "./lock.ts";
import { MachineError } from "./machine-error.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { freeNumber, freeSubnet, hardwareAddress, interfaceName, renderSubnetFirewall } from "./subnet.ts";
import type { Registry } from "./subnet.ts";

const registryFile = "/var/lib/silverlining/network.json";
const registryLock = "/run/lock/silverlining/network.lock";
const forwardingFile = "/proc/sys/net/ipv4/ip_forward";

/** A node's place in the network of its clone. */
export interface NodeAddress {
  /** IPv4 address of the node. */
  address: string;
  /** First three bytes of the clone's /24. */
  subnet: string;
  /** Last byte of the address. */
  number: number;
}

/** Gives a node its address, the same until it is released; `wanted` is the one it had before the registry was lost. */
export function claimAddress(clone: Clone, node: string, wanted?: NodeAddress): Promise<NodeAddress> {
  return withRegistry(async (registry) => {
    const others = Object.entries(registry.clones).flatMap(([id, other]) => (id === clone.id ? [] : other.subnet));
    const again = wanted !== undefined && !others.includes(wanted.subnet) ? wanted.subnet : undefined;
    const own = (registry.clones[clone.id] ??= {
      checkout: clone.checkout,
      nodesDirectory: clone.nodesDirectory,
      subnet: again ?? (await chooseSubnet(registry)),
      nodes: {},
    });
    const number = own.nodes[node] ?? wanted?.number ?? freeNumber(own.nodes);
    if (number === undefined) throw new MachineError(`the network ${own.subnet}.0/24 of this checkout is full`, "remove a node");
    own.nodes[node] = number;
    return { address: `${own.subnet}.${number}`, subnet: own.subnet, number };
  });
}

async function chooseSubnet(registry: Registry): Promise<string> {
  const routes = JSON.parse(await ip("-json", "-4", "route", "show", "table", "all")) as { dst: string }[];
  const nameServers = (await readFile("/etc/resolv.conf", "utf8").catch(() => "")).matchAll(/^nameserver\s+([\d.]+)\s*$/gm);
  const subnet = freeSubnet([
    ...routes.map((route) => route.dst).filter((range) => /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(range)),
    ...[...nameServers].map((match) => match[1] ?? ""),
    ...Object.values(registry.clones).map((other) => `${other.subnet}.0/24`),
  ]);
  if (subnet === undefined)
    throw new MachineError("no private /24 is free for the nodes of this checkout", "remove the nodes of another checkout");
  return subnet;
}

/**
 * Sets up a stopped node's network, however much of it exists: the clone's bridge with this computer as `.1`, the firewall table,
 * forwarding, and at `namespaceFile` a network namespace with the node's address on its interface `host0`.
 */
export function raiseNetwork(clone: Clone, place: NodeAddress, namespaceFile: string): Promise<void> {
  return withRegistry(async (registry) => {
    const bridge = interfaceName(clone.id);
    const outer = interfaceName(clone.id, place.number);
    const mtu = await uplinkMtu();
    if (!(await interfaceExists(bridge)))
      await ip("link", "add", bridge, "address", hardwareAddress(clone.id, 1), "type", "bridge");
    await ip("address", "replace", `${place.subnet}.1/24`, "dev", bridge);
    await ip("link", "set", bridge, "up");
    await loadFirewall(registry);
    registry.forwardingBefore ??= (await readFile(forwardingFile, "utf8")).trim();
    await writeFile(forwardingFile, "1");
    await lowerNetwork(clone, place, namespaceFile);
    await writeFile(namespaceFile, "");
    await mustRun("making a network namespace", ["unshare", `--net=${namespaceFile}`, "true"]);
    const peer = ["name", "host0", "address", hardwareAddress(clone.id, place.number), "mtu", mtu, "netns", namespaceFile];
    await ip("link", "add", outer, "mtu", mtu, "type", "veth", "peer", ...peer);
    await ip("link", "set", outer, "master", bridge, "up");
    const inside = ["nsenter", `--net=${namespaceFile}`, "ip"];
    await mustRun("addressing the node", [...inside, "link", "set", "lo", "up"]);
    await mustRun("addressing the node", [...inside, "address", "add", `${place.address}/24`, "dev", "host0"]);
    await mustRun("addressing the node", [...inside, "link", "set", "host0", "up"]);
    await mustRun("addressing the node", [...inside, "route", "add", "default", "via", `${place.subnet}.1`]);
  });
}

/** Removes the node's namespace and interface; the node keeps its address. */
export async function lowerNetwork(clone: Clone, place: NodeAddress, namespaceFile: string): Promise<void> {
  // The kernel removes the interface shortly after the namespace; remove it here if it is still there.
  await dropNamespace(namespaceFile);
  const outer = interfaceName(clone.id, place.number);
  await runCommand(["ip", "link", "delete", outer]);
  if (await interfaceExists(outer)) throw new MachineError(`the interface ${outer} can't be removed`);
}

/** Releases the address; after the clone's last node also its bridge, after this computer's last also the table and forwarding. */
export function releaseAddress(clone: Clone, node: string): Promise<void> {
  return withRegistry(async (registry) => {
    const own = registry.clones[clone.id];
    if (own === undefined) return;
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a record keyed by node names
    delete own.nodes[node];
    if (Object.keys(own.nodes).length > 0) return;
    const bridge = interfaceName(clone.id);
    if (await interfaceExists(bridge)) await ip("link", "delete", bridge);
    // eslint-disable-next-line @typescript-eslint/no-dynamic-delete -- a record keyed by clone ids
    delete registry.clones[clone.id];
    await loadFirewall(registry);
    if (Object.keys(registry.clones).length > 0 || registry.forwardingBefore === undefined) return;
    await writeFile(forwardingFile, registry.forwardingBefore);
    delete registry.forwardingBefore;
  });
}

/** Runs `action` on the registry under this computer's lock, and writes it back; deletes a registry without clones. */
function withRegistry<T>(action: (registry: Registry) => Promise<T>): Promise<T> {
  return withLock(registryLock, 60, async () => {
    const text = await readFile(registryFile, "utf8").catch(() => undefined);
    const registry = text === undefined ? { clones: {} } : (JSON.parse(text) as Registry);
    try {
      return await action(registry);
    } finally {
      if (Object.keys(registry.clones).length === 0) {
        await rm(dirname(registryFile), { recursive: true, force: true });
      } else {
        await mkdir(dirname(registryFile), { recursive: true });
        await writeFile(`${registryFile}.partial`, `${JSON.stringify(registry, undefined, 2)}\n`);
        await rename(`${registryFile}.partial`, registryFile);
      }
    }
  });
}

async function loadFirewall(registry: Registry): Promise<void> {
  const clones = Object.entries(registry.clones).map(([id, { subnet }]) => ({ id, subnet }));
  const table = clones.length === 0 ? "" : renderSubnetFirewall(clones);
  await mustRun("loading the firewall table", ["nft", "-f", "-"], {
    input: `table inet silverlining\ndelete table inet silverlining\n${table}`,
  });
}

/** The namespace lives as long as its mount on the file or a process in it. */
async function dropNamespace(namespaceFile: string): Promise<void> {
  await runCommand(["umount", "--quiet", namespaceFile]);
  await rm(namespaceFile, { force: true });
}

/** Packets above the outgoing MTU would be lost where "fragmentation needed" is not passed on. */
async function uplinkMtu(): Promise<string> {
  const routes = await ip("-json", "-4", "route", "show", "default");
  const device = (JSON.parse(routes) as { dev?: string }[])[0]?.dev;
  if (device === undefined) return "1500";
  const [link] = JSON.parse(await ip("-json", "link", "show", device)) as { mtu: number }[];
  return String(link?.mtu ?? 1500);
}

async function interfaceExists(name: string): Promise<boolean> {
  return (await runCommand(["ip", "link", "show", name])).code === 0;
}

function ip(...words: string[]): Promise<string> {
  return mustRun(`ip ${words.join(" ")}`, ["ip", ...words]);
}
