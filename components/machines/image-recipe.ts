import { hash } from "node:crypto";
import type { Keyring } from "../systems/distribution.ts";
import { systems, type SystemName } from "../systems/systems.ts";

/** How to build the root file system of one system with mmdebstrap. */
export interface ImageRecipe {
  os: SystemName;
  suite: string;
  /** Lines of sources.list. */
  sources: string[];
  keyring: Keyring;
  packages: string[];
  /** Paths, as dpkg patterns, to leave out of packages; licences stay. */
  excluded: string[];
  /** Shell commands run at the end, with the root file system as `$1`. */
  customize: string[];
}

/** What every server of these systems has, as far as it matters to us; the node installs what its sites need. */
const packages = [
  ...["apt", "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "python3", "ca-certificates"],
  ...["iproute2", "nftables", "netbase", "rsync", "procps", "kmod", "e2fsprogs", "curl"],
];

/** A third of all files, which nobody reads on a node: without them it is created and removed faster. */
const excluded = ["/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/doc/*"];

const customize = [
  // Each node gets its own of these on creation.
  'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/etc/apt/apt.conf.d/99mmdebstrap',
  ': >"$1"/etc/machine-id',
  // A persistent journal.
  'mkdir -p "$1"/var/log/journal',
  // They would hold apt's lock against a rollout at a random time after boot.
  'ln -sf /dev/null "$1"/etc/systemd/system/apt-daily.timer',
  'ln -sf /dev/null "$1"/etc/systemd/system/apt-daily-upgrade.timer',
];

/** The recipe of a system; `architecture` as Debian names it, e.g. `amd64`. */
export function imageRecipe(os: SystemName, architecture: string): ImageRecipe {
  const { distribution, suite } = systems[os];
  const { keyring, sources } = distribution;
  return { os, suite, sources: sources(suite, architecture), keyring, packages, excluded, customize };
}

/**
 * Name of the image in the cache: `<os>-<architecture>-<12 hex of the recipe>`.
 * The same recipe always gives the same name; `prepared` packages, in any order, give a separate image.
 */
export function imageName(recipe: ImageRecipe, architecture: string, prepared: readonly string[] = []): string {
  const identity = JSON.stringify([recipe, architecture, [...prepared].sort()]);
  return `${recipe.os}-${architecture}-${hash("sha256", identity).slice(0, 12)}`;
}

/**
 * The command that builds a recipe's root file system as the tar archive `target`.
 * `keyring` is the file that verifies it; `aptOptions` are lines of apt.conf.
 */
export function imageCommand(
  recipe: ImageRecipe,
  architecture: string,
  keyring: string,
  target: string,
  aptOptions: readonly string[],
): string[] {
  return [
    "mmdebstrap",
    "--mode=root",
    "--variant=minbase",
    "--format=tar",
    `--architectures=${architecture}`,
    `--keyring=${keyring}`,
    `--include=${recipe.packages.join(",")}`,
    ...aptOptions.map((line) => `--aptopt=${line}`),
    ...recipe.excluded.map((pattern) => `--dpkgopt=path-exclude=${pattern}`),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    ...recipe.customize.map((command) => `--customize-hook=${command}`),
    recipe.suite,
    target,
    ...recipe.sources,
  ];
}
