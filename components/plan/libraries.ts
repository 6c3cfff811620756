import type { Requirements } from "../bundle/requirements.ts";
import type { EnvironmentNode } from "../environment/environment.ts";
import type { PythonTarget } from "../systems/python-target.ts";
import { systems } from "../systems/systems.ts";

/** The libraries of a site, over all its nodes. */
export interface SiteLibraries {
  /** SHA-256 in hex of the requirements. */
  digest: string;
  /** Name → version, or versions if markers choose. */
  versions: Record<string, string>;
  /** Name of the node → what its wheels must fit. */
  targets: Record<string, PythonTarget>;
}

/** @param nodes the site's own */
export function planLibraries(requirements: Requirements, nodes: readonly Pick<EnvironmentNode, "name" | "os">[]): SiteLibraries {
  const versions = Map.groupBy(requirements.list, ({ name }) => name);
  return {
    digest: requirements.digest,
    versions: Object.fromEntries([...versions].map(([name, all]) => [name, all.map(({ version }) => version).join(" or ")])),
    targets: Object.fromEntries(nodes.map(({ name, os }) => [name, systems[os].python])),
  };
}

/** Each Python and platform once, sorted: the same for any mix of the same nodes. */
export function distinctTargets(libraries: SiteLibraries): PythonTarget[] {
  const byText = new Map(Object.values(libraries.targets).map((target) => [targetText(target), target]));
  return [...byText].sort(([one], [other]) => (one < other ? -1 : 1)).map(([, target]) => target);
}

/** Its text for people. */
export const targetText = ({ python, platform }: PythonTarget): string => `Python ${python} on ${platform}`;
