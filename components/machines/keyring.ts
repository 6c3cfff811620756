import { access } from "node:fs/promises";
import { join } from "node:path";
import { debian, type Keyring } from "../systems/distribution.ts";
import { systems } from "../systems/systems.ts";
import { MachineError } from "./machine-error.ts";
import { runCommand } from "./run-command.ts";

// Debian 12 has no ubuntu-keyring, but Debian 13 does: apt downloads that, verified with Debian's keys, in separate directories.
const source = debian.sources(systems["debian-13"].suite, "all")[0]?.replace(/^deb /, "") ?? "";
const fetchScript = `set -eu
cd "$1"
mkdir -p lists/partial archives/partial
echo "deb [signed-by=$2] ${source}" >sources.list
: >status
own() {
  apt-get -q -o APT::Sandbox::User=root -o Dir::Etc::SourceList="$PWD/sources.list" -o Dir::Etc::SourceParts=/dev/null \\
    -o Dir::State="$PWD" -o Dir::State::status="$PWD/status" -o Dir::Cache="$PWD" "$@"
}
own update --error-on=any
own download "$3"
dpkg-deb -x "$3"_*.deb keyring
`;

/**
 * A file with the keys of an archive: from its package if installed, else Debian 13's, in `workDirectory`.
 * Fails when neither is available: an archive is never trusted unverified.
 */
export async function findKeyring(keyring: Keyring, workDirectory: string): Promise<string> {
  if (await isReadable(keyring.file)) return keyring.file;
  if (keyring.package !== debian.keyring.package && (await isReadable(debian.keyring.file))) {
    await runCommand(["sh", "-c", fetchScript, "sh", workDirectory, debian.keyring.file, keyring.package], {
      timeoutSeconds: 300,
    });
    const fetched = join(workDirectory, "keyring", keyring.file);
    if (await isReadable(fetched)) return fetched;
  }
  throw new MachineError(
    `${keyring.file} is missing: packages signed with it can't be verified`,
    `apt-get install ${keyring.package}`,
  );
}

function isReadable(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
