import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { nodeAptOptions, ownAuthorities, parseAptOptions, renderHosts, renderResolvConf } from "./host-files.ts";
import { putDirectory, putFile } from "./put-file.ts";
import { mustRun } from "./run-command.ts";

/** What distinguishes nodes made from the same image. */
export interface Identity {
  name: string;
  /** 32 hex digits. */
  machineId: string;
  /** A line of authorized_keys, for root. */
  authorizedKey: string;
}

/**
 * Gives an unpacked image its identity, and this computer's network settings: name servers, hosts, apt's proxy, authorities.
 * Returns the public host key it generated: the node's only one.
 */
export async function furnishRoot(root: string, identity: Identity): Promise<string> {
  const put = (path: string, text: string, mode?: number) => putFile(join(root, path), text, mode);
  await put("etc/machine-id", `${identity.machineId}\n`);
  await put("etc/hostname", `${identity.name}\n`);
  await put("etc/hosts", renderHosts(identity.name, await readOr("/etc/hosts", "")));
  const nameServers = await Promise.all(["/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"].map((file) => readOr(file, "")));
  await put("etc/resolv.conf", renderResolvConf(nameServers));
  await putDirectory(join(root, "root/.ssh"), 0o700);
  await put("root/.ssh/authorized_keys", identity.authorizedKey, 0o600);
  await put("etc/tmpfiles.d/loop-devices.conf", renderLoopDevices());
  const aptOptions = nodeAptOptions(parseAptOptions(await mustRun("reading apt's settings", ["apt-config", "dump"])));
  if (aptOptions.length > 0) await put("etc/apt/apt.conf.d/90host", `${aptOptions.join("\n")}\n`);
  await trustOwnAuthorities(root);
  const keyFile = join(root, "etc/ssh/ssh_host_ed25519_key");
  await mustRun("making a host key", ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", identity.name, "-f", keyFile]);
  const [type = "", key = ""] = (await readFile(`${keyFile}.pub`, "utf8")).split(" ");
  return `${type} ${key}`;
}

/** Devices for so many images at once. */
const loopDevices = 256;

/**
 * The kernel makes a loop device when one is opened that it does not have. A machine's /dev follows it; that of a node is its own, and
 * would have those that this computer had when the node booted, eight of them as a rule.
 */
const renderLoopDevices = () =>
  Array.from({ length: loopDevices }, (_, number) => `b /dev/loop${number} 0660 root disk - 7:${number}\n`).join("");

/** If this computer's HTTPS uses a private authority, pip and npm on the node must trust it too. */
async function trustOwnAuthorities(root: string): Promise<void> {
  const bundle = await readOr("/etc/ssl/certs/ca-certificates.crt", "");
  const directory = "/usr/share/ca-certificates/mozilla";
  const names = await readdir(directory).catch(() => []);
  const packaged = await Promise.all(names.map((name) => readFile(join(directory, name), "utf8")));
  const own = Object.entries(ownAuthorities(bundle, packaged.join("\n")));
  if (own.length === 0) return;
  for (const [name, certificate] of own) await putFile(join(root, "usr/local/share/ca-certificates", name), certificate);
  await mustRun("trusting this computer's authorities", ["chroot", root, "update-ca-certificates"], {
    environment: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
  });
}

function readOr(file: string, otherwise: string): Promise<string> {
  return readFile(file, "utf8").catch(() => otherwise);
}
