import { hash } from "node:crypto";
import { debianKeyring, ubuntuKeyring } from "./keyring.ts";
import type { Keyring } from "./keyring.ts";
import { MachineError } from "./machine-error.ts";

/** How to build the root file system of one operating system with mmdebstrap. */
export interface ImageRecipe {
  /** `<ID>-<VERSION_ID>` of /etc/os-release. */
  os: string;
  suite: string;
  /** Lines of sources.list. */
  sources: string[];
  keyring: Keyring;
  packages: string[];
  /** Paths, as patterns of dpkg, that packages do not bring; licences stay. */
  excluded: string[];
  /** Shell commands run at the end, with the root file system as `$1`. */
  customize: string[];
}

const debianSources = (suite: string) => [
  `deb http://deb.debian.org/debian ${suite} main`,
  `deb http://deb.debian.org/debian ${suite}-updates main`,
  `deb http://security.debian.org/debian-security ${suite}-security main`,
];

/** Ubuntu keeps the ports of other architectures than amd64 on a host of their own. */
function ubuntuSources(suite: string, architecture: string): string[] {
  const archive = architecture === "amd64" ? "http://archive.ubuntu.com/ubuntu" : "http://ports.ubuntu.com/ubuntu-ports";
  return [suite, `${suite}-updates`, `${suite}-security`].map((pocket) => `deb ${archive} ${pocket} main universe`);
}

/** Operating systems a local node can have. */
export const systems = ["debian-12", "debian-13", "ubuntu-24.04", "ubuntu-26.04"] as const;

/** What every server of these systems has, as far as it matters to us; a site's needs are installed by its node. */
const packages = [
  ...["apt", "systemd", "systemd-sysv", "dbus", "libpam-systemd", "openssh-server", "sudo", "python3", "ca-certificates"],
  ...["iproute2", "nftables", "netbase", "rsync", "procps", "kmod", "e2fsprogs", "curl"],
];

/** A third of all files, and nobody reads them on a node: making and removing one is faster without. */
const excluded = ["/usr/share/man/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/doc/*"];

const customize = [
  // Each node gets its own of these when it is made.
  'rm -f "$1"/etc/ssh/ssh_host_* "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/etc/apt/apt.conf.d/99mmdebstrap',
  ': >"$1"/etc/machine-id',
  // A journal that outlives a reboot.
  'mkdir -p "$1"/var/log/journal',
  // They would take apt's lock from a rollout at a random time after boot.
  'ln -sf /dev/null "$1"/etc/systemd/system/apt-daily.timer',
  'ln -sf /dev/null "$1"/etc/systemd/system/apt-daily-upgrade.timer',
];

/** The recipe of an operating system; refuses one we know nothing about. `architecture` in Debian's words, e.g. `amd64`. */
export function imageRecipe(os: string, architecture: string): ImageRecipe {
  const common = { os, packages, excluded, customize };
  switch (os) {
    case "debian-12":
      return { ...common, suite: "bookworm", sources: debianSources("bookworm"), keyring: debianKeyring };
    case "debian-13":
      return { ...common, suite: "trixie", sources: debianSources("trixie"), keyring: debianKeyring };
    case "ubuntu-24.04":
      return { ...common, suite: "noble", sources: ubuntuSources("noble", architecture), keyring: ubuntuKeyring };
    case "ubuntu-26.04":
      return { ...common, suite: "resolute", sources: ubuntuSources("resolute", architecture), keyring: ubuntuKeyring };
    default:
      throw new MachineError(`a local node can't run "${os}"`, `choose one of ${systems.join(", ")}`);
  }
}

/**
 * Name of the image in the cache: `<os>-<architecture>-<12 hex of the recipe>`.
 * The same recipe gives the same name at any time; `prepared` packages, in any order, give an image of their own.
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
