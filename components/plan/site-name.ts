import type { UnitRole } from "../platforms/platform.ts";

/**
 * Names of a site on its nodes: all are made here, so that they can't drift apart. The schema's rule for names (a-z, 0-9, -,
 * at most 24) makes each of them valid and no two sites' names equal.
 */

/**
 * Name of a unit of a site, without the release: `silver-<role>-<site>`, and with `.<name>` behind it where a role has several.
 * The role holds no `-`, and no site has a `.` in its name: so neither can be taken for another.
 */
export function siteUnit(site: string, role: UnitRole | "check", name?: string): string {
  return `silver-${role}-${site}${name === undefined ? "" : `.${name}`}`;
}

/** `site-<name>`: at most 29 characters of the 32 that Linux takes. */
export function siteUser(name: string): string {
  return `site-${name}`;
}

/** The Varnish label that the top VCL hands a site's requests to. VCL names know no `-`. */
export function siteLabel(name: string): string {
  return `site_${name.replaceAll("-", "_")}`;
}
