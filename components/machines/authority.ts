import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clone } from "./clone.ts";
import { withLock } from "./lock.ts";
import { MachineError } from "./machine-error.ts";
import { filesOf } from "./node-disk.ts";
import type { NodeRecord } from "./node-disk.ts";
import type { Progress } from "./progress.ts";
import { mustRun, runCommand } from "./run-command.ts";
import { sshCommand } from "./ssh-command.ts";

/** Where a node has it, certificate and key in one file, for its agent (`certificates.py`). */
const onNode = "/var/lib/silver/authority.pem";

/** Ten years: whoever has told a browser to trust it should not have to do so again. */
const days = 3650;
/** Days that it must still be valid for: longer than what it signs. */
const leastDays = 400;

/**
 * Puts the authority of this checkout on a node that runs, or takes it away.
 * @param isWanted whether the node speaks https
 */
export async function settleAuthority(clone: Clone, record: NodeRecord, isWanted: boolean, progress: Progress): Promise<void> {
  const { name, address, port } = record;
  const to = { address, port, user: "root", knownHosts: filesOf(clone, name).knownHosts, keyFile: clone.keyFile };
  const put = `set -eu; umask 022; mkdir -p /var/lib/silver; umask 077; cat >${onNode}.new; mv ${onNode}.new ${onNode}`;
  const input = isWanted ? await ensureAuthority(clone, progress) : "";
  const { code, stderr } = await runCommand(sshCommand(to, isWanted ? put : `rm -f ${onNode}`), { input });
  if (code !== 0) throw new MachineError(`the authority for certificates can't be put on ${name}: ${stderr.trim()}`);
}

/**
 * What a person does about the warning of a browser, where sites have certificates of the checkout's own authority; nothing where none has.
 * @param urls of sites
 */
export function howToTrust({ authority }: Clone, urls: readonly string[]): string[] {
  if (!urls.some((url) => url.startsWith("https://")) || !existsSync(authority.certificate)) return [];
  return [
    `Browsers warn until they trust ${authority.certificate}: import it as an authority (docs/https.md); curl --cacert takes it`,
  ];
}

/** Certificate and key of the checkout's own authority; makes it where there is none, or where what is there can't be used. */
function ensureAuthority({ id, checkout, authority }: Clone, progress: Progress): Promise<string> {
  return withLock(`/run/lock/silverlining/${id}-authority.lock`, 60, async () => {
    const [certificate, key] = await Promise.all([authority.certificate, authority.key].map(readOrNothing));
    if (certificate !== undefined && key !== undefined && isUsable(certificate, key)) return certificate + key;
    await mkdir(dirname(authority.key), { recursive: true, mode: 0o700 });
    const made = { certificate: `${authority.certificate}.new`, key: `${authority.key}.new` };
    const own = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", made.key, "-out", made.certificate];
    // What Node gives a program to read is a socket, which can't be opened by a path.
    const asFile = ["sh", "-c", 'cat | openssl "$@"', "openssl"];
    await mustRun(
      "making an authority for certificates",
      [...asFile, "req", "-x509", "-sha256", "-days", String(days), ...own, "-config", "/dev/stdin"],
      { input: request(id) },
    );
    await rename(made.key, authority.key);
    await rename(made.certificate, authority.certificate);
    progress(`✓ Authority for certificates made for ${checkout}: ${authority.certificate}`);
    return (await readFile(authority.certificate, "utf8")) + (await readFile(authority.key, "utf8"));
  });
}

/** It signs certificates of sites, and no other authorities. */
const request = (id: string): string => `[req]
distinguished_name = name
x509_extensions = authority
prompt = no
[name]
O = Silver Lining
CN = Silver Lining, local nodes of checkout ${id}
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
`;

function isUsable(certificate: string, key: string): boolean {
  try {
    const read = new X509Certificate(certificate);
    const lasts = Date.parse(read.validTo) - Date.now() > leastDays * 86_400_000;
    return read.ca && lasts && read.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

function readOrNothing(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
