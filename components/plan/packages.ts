import type { Manifest } from "../manifest/manifest.ts";
import type { SiteWork } from "./plan.ts";
import { utc } from "./plan-work.ts";
import { platforms } from "../platforms/registry.ts";
import { serviceType } from "../services/registry.ts";

/** Debian packages of a site, sorted: its manifest's, its platform's, those the platform needs for the services, and its jobs' zone. */
export function planPackages({ platform, packages, services }: Manifest, work?: SiteWork): string[] {
  const ofJobs = work?.jobs.some(({ zone }) => zone !== utc) === true ? ["tzdata"] : [];
  const ofServices = Object.values(services).flatMap(({ type }) => serviceType(type).clientPackages?.[platform] ?? []);
  return [...new Set([...packages, ...platforms[platform].packages, ...ofServices, ...ofJobs])].sort();
}
