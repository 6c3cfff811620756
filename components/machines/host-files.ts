import { hash, X509Certificate } from "node:crypto";
import { MachineError } from "./machine-error.ts";

/** Lines of this computer's apt.conf about reaching its archives; its other settings don't concern nodes. */
export function parseAptOptions(dump: string): string[] {
  return dump
    .split("\n")
    .filter((line) => /^Acquire::(https?::|Check-|Retries|ForceIPv)/.test(line))
    .filter((line) => !line.endsWith(' "";'));
}

/** The same for a node, which can't reach a proxy on this computer's loopback. */
export function nodeAptOptions(options: readonly string[]): string[] {
  return options.filter((line) => !/:\/\/(localhost|127\.|\[::1\])/.test(line));
}

/** The certificates of a PEM bundle, each with its final newline. */
export function parseCertificates(pem: string): string[] {
  return [...pem.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map((match) => `${match[0]}\n`);
}

const fingerprint = (certificate: string) => new X509Certificate(certificate).fingerprint256;

/** File name → certificate of each authority in `bundle` that is not from the system's own package. */
export function ownAuthorities(bundle: string, packaged: string): Record<string, string> {
  const known = new Set(parseCertificates(packaged).map(fingerprint));
  const own = parseCertificates(bundle).filter((certificate) => !known.has(fingerprint(certificate)));
  return Object.fromEntries(own.map((certificate) => [`host-${hash("sha256", certificate).slice(0, 12)}.crt`, certificate]));
}

/**
 * resolv.conf for a node, from this computer's, best first.
 * Skips those with a name server on this computer's loopback, which a node can't reach.
 */
export function renderResolvConf(candidates: readonly string[]): string {
  for (const text of candidates) {
    const lines = text.split("\n").filter((line) => /^(nameserver|search|domain|options)\s/.test(line));
    const reachable = lines.filter((line) => !/^nameserver\s+(127\.|::1)/.test(line));
    if (reachable.some((line) => line.startsWith("nameserver"))) return `${reachable.join("\n")}\n`;
  }
  throw new MachineError(
    "no name server in /etc/resolv.conf that a node could reach: all are on this computer's loopback",
    "name one that listens on an address of the network in /etc/resolv.conf",
  );
}

/** /etc/hosts for a node: its own name, and the others from this computer's file. */
export function renderHosts(name: string, hostsHere: string): string {
  const others = hostsHere
    .split("\n")
    .filter((line) => /^\s*[0-9a-f]/i.test(line) && !/^\s*(127\.|::1|fe00::|ff0[02]::)/i.test(line));
  return ["127.0.0.1 localhost", `127.0.1.1 ${name}`, "::1 localhost ip6-localhost", ...others].join("\n") + "\n";
}
