import { externalSecrets } from "../services/external.ts";
import type { SitePlan } from "./plan.ts";

/** Key of one version of a secret below `silverlining:secrets`, e.g. `blog.STRIPE_KEY@3`. */
export const secretKey = (site: string, name: string, version: number): string => `${site}.${name}@${version}`;

/** What such a key names; undefined for any other. */
export function parseSecretKey(key: string): { site: string; name: string; version: number } | undefined {
  const [, site, name, version] = /^([a-z][a-z0-9-]*)\.([A-Z][A-Z0-9_]*)@([1-9][0-9]*)$/.exec(key) ?? [];
  return site === undefined || name === undefined ? undefined : { site, name, version: Number(version) };
}

/** Name → version of all secrets of a site: its app's, and those of services that somebody else runs. No two have one name. */
export function allSecrets({ secrets, services }: Pick<SitePlan, "secrets" | "services">): Record<string, number> {
  return { ...secrets, ...externalSecrets(services) };
}
