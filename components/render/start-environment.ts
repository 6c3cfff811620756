import type { SitePlan } from "../plan/plan.ts";
import { systemdString } from "../text/literals.ts";

/** Variables that an interpreter or the C library reads as it starts, before any code of ours can set them. */
const readAtStart = /^(TZ|LANG|LANGUAGE|LC_[A-Z]+|PYTHON[A-Z0-9]+|MALLOC_[A-Z_]+)$/;

/**
 * Lines of [Service] for what the processes of a unit find as they start: of the site's config only what is read that early, and
 * never a secret, for anyone on the node may read a unit.
 * @param own variables of the unit itself, each `NAME=value`
 */
export function startEnvironment({ config }: Pick<SitePlan, "config">, own: readonly string[] = []): string {
  const told = Object.entries(config).filter(([name, value]) => readAtStart.test(name) && !/[\n\t]/.test(value));
  return [
    ...["LANG=C.UTF-8", ...own].map((set) => `Environment=${set}`),
    ...told.map(([name, value]) => `Environment=${systemdString(`${name}=${value}`)}`),
  ].join("\n");
}
