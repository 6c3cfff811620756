import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { containedCommand } from "./contained-command.ts";
import { mustRun } from "./run-command.ts";

/**
 * Installs packages in a root file system.
 * Disables their units again: on a node the agent decides what runs.
 */
const install = `set -eu
root=$1; shift
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
cp --remove-destination /etc/resolv.conf "$root/etc/resolv.conf"
apt-config dump | grep '^Acquire::\\(https\\?::\\|Check-\\)' >"$root/etc/apt/apt.conf.d/90host" || true
printf '#!/bin/sh\\nexit 101\\n' >"$root/usr/sbin/policy-rc.d"; chmod 755 "$root/usr/sbin/policy-rc.d"
enabled() { (cd "$root/etc/systemd/system" && find . -path '*.wants/*' -type l | sort); }
enabled >"$root/tmp/before"
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
chroot "$root" apt-get -qq update
chroot "$root" apt-get -qq install -y --no-install-recommends "$@"
enabled | comm -13 "$root/tmp/before" - | sed 's|.*/||' | sort -u | xargs -r systemctl --root="$root" --quiet disable
chroot "$root" apt-get clean
rm -rf "$root"/var/lib/apt/lists/* "$root/tmp/before" "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf" "$root/etc/apt/apt.conf.d/90host"
`;

/** Makes the tar archive `target` from the archive `base`, with `packages` installed. */
export async function prepareImage(
  base: string,
  packages: readonly string[],
  workDirectory: string,
  target: string,
  progress: (line: string) => void,
): Promise<void> {
  const root = join(workDirectory, "root");
  await mkdir(root);
  await extractImage(base, root);
  progress(`  … installing ${packages.join(" ")}`);
  await mustRun("installing packages in the image", containedCommand(["sh", "-c", install, "sh", root, ...packages]));
  progress("  … creating the archive");
  await mustRun("creating the archive", [
    "tar",
    "-C",
    root,
    "--numeric-owner",
    "--xattrs",
    "--xattrs-include=*",
    "-cf",
    target,
    ".",
  ]);
}

/** Unpacks an image's archive into an empty directory, with file owners and capabilities. */
export async function extractImage(archive: string, root: string): Promise<void> {
  await mustRun(`unpacking ${archive}`, [
    ...["tar", "-C", root, "--numeric-owner", "--xattrs", "--xattrs-include=*", "-xpf", archive],
  ]);
}
