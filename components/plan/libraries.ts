import { z } from "zod";
import type { Requirements } from "../bundle/requirements.ts";
import type { EnvironmentNode } from "../environment/environment.ts";
import { anyText } from "../text/node-names.ts";

/** What the wheels of a node must fit. */
export const pythonTarget = z.strictObject({
  /** Version of the distribution's python3, which mod_wsgi is built for. */
  python: anyText,
  /** As uv names platforms. */
  platform: anyText,
});
export type PythonTarget = z.infer<typeof pythonTarget>;

/** The libraries of a site, over all its nodes. */
export interface SiteLibraries {
  /** SHA-256 in hex of the requirements. */
  digest: string;
  /** Name → version, or versions where markers choose. */
  versions: Record<string, string>;
  /** Name of the node → what its wheels must fit. */
  targets: Record<string, PythonTarget>;
}

/**
 * By the node's `os`: version of the package python3 and of the C library as the distribution shipped them (updates change neither;
 * packages.debian.org, packages.ubuntu.com). uv knows no manylinux after 2_40, and newer C libraries take what is made for older ones.
 */
const targets: Record<string, PythonTarget> = {
  "debian-12": { python: "3.11.2", platform: "x86_64-manylinux_2_36" },
  "debian-13": { python: "3.13.5", platform: "x86_64-manylinux_2_40" },
  "ubuntu-24.04": { python: "3.12.3", platform: "x86_64-manylinux_2_39" },
  "ubuntu-26.04": { python: "3.14", platform: "x86_64-manylinux_2_40" },
};

/** @param nodes the site's own */
export function planLibraries(requirements: Requirements, nodes: readonly Pick<EnvironmentNode, "name" | "os">[]): SiteLibraries {
  const versions = Map.groupBy(requirements.list, ({ name }) => name);
  return {
    digest: requirements.digest,
    versions: Object.fromEntries([...versions].map(([name, all]) => [name, all.map(({ version }) => version).join(" or ")])),
    targets: Object.fromEntries(nodes.map(({ name, os }) => [name, targetOf(os)])),
  };
}

function targetOf(os: string): PythonTarget {
  const target = targets[os];
  if (target === undefined) throw new Error(`${os}: the schema lets no system through whose Python is not known`);
  return target;
}

/** Each Python and platform once, sorted: equal over any mix of the same nodes. */
export function distinctTargets(libraries: SiteLibraries): PythonTarget[] {
  const byText = new Map(Object.values(libraries.targets).map((target) => [targetText(target), target]));
  return [...byText].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, target]) => target);
}

/** As it is told to people. */
export const targetText = ({ python, platform }: PythonTarget): string => `Python ${python} on ${platform}`;
