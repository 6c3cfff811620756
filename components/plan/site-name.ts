import type { UnitRole } from "../platforms/platform.ts";

/**
 * Names of a site on its nodes, all built here, so that they can't diverge. The schema's rule for names (a-z, 0-9, -,
 * at most 24) makes each of them valid and no two sites' names equal.
 */

/**
 * Name of a unit of a site, without the release: `silver-<role>-<site>`, and with `.<name>` behind it where a role has several.
 * No role contains a `-`, and no site's name a `.`, so the names are unambiguous.
 */
export function siteUnit(site: string, role: UnitRole | "check" | "run" | "job", name?: string): string {
  return `silver-${role}-${site}${name === undefined ? "" : `.${name}`}`;
}

/** What all processes of a site share a part of the machine by. systemd reads a hyphen as nesting, but a site a-b is not inside a. */
export function siteSlice(site: string): string {
  return `silver-${site.replaceAll("-", "\\x2d")}.slice`;
}

/** The unit that mounts a site's log directory, by the name that systemd wants for its place. */
export function logsMount(site: string): string {
  return `var-log-silver-${site.replaceAll("-", "\\x2d")}.mount`;
}

/** `site-<name>`: at most 29 of the 32 characters that Linux allows. */
export function siteUser(name: string): string {
  return `site-${name}`;
}

/** The Varnish label to which the top VCL passes a site's requests. VCL names can't contain `-`. */
export function siteLabel(name: string): string {
  return `site_${name.replaceAll("-", "_")}`;
}
