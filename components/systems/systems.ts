import { debian, ubuntu, type Distribution } from "./distribution.ts";
import type { PythonTarget } from "./python-target.ts";

/** What is known of one release of an operating system. */
export interface System {
  distribution: Distribution;
  /** Name of the release in its archive. */
  suite: string;
  python: PythonTarget;
  /** Version of its PHP, part of the name of PHP's service. */
  php: string;
  /** Version of its systemd. */
  systemd: number;
}

/**
 * The systems a node may run, by `<ID>-<VERSION_ID>` of /etc/os-release; the first is the one that examples and tests use. Versions are those
 * that the distribution shipped (packages.ubuntu.com, packages.debian.org); its updates change none of them. uv knows no manylinux after
 * 2_40, and newer C libraries take what is made for older ones.
 */
const known = {
  "ubuntu-24.04": {
    distribution: ubuntu,
    suite: "noble",
    python: { python: "3.12.3", platform: "x86_64-manylinux_2_39" },
    php: "8.3",
    systemd: 255,
  },
  "ubuntu-26.04": {
    distribution: ubuntu,
    suite: "resolute",
    python: { python: "3.14", platform: "x86_64-manylinux_2_40" },
    php: "8.5",
    systemd: 259,
  },
  "debian-12": {
    distribution: debian,
    suite: "bookworm",
    python: { python: "3.11.2", platform: "x86_64-manylinux_2_36" },
    php: "8.2",
    systemd: 252,
  },
  "debian-13": {
    distribution: debian,
    suite: "trixie",
    python: { python: "3.13.5", platform: "x86_64-manylinux_2_40" },
    php: "8.4",
    systemd: 257,
  },
} satisfies Record<string, System>;

export type SystemName = keyof typeof known;

export const systems: Record<SystemName, System> = known;

/** Names of all systems, the default first. */
export const systemNames = Object.keys(systems) as [SystemName, ...SystemName[]];

export function isSystemName(text: string): text is SystemName {
  return Object.hasOwn(systems, text);
}
