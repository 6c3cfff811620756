import type { Manifest } from "../manifest/manifest.ts";
import { platforms } from "../platforms/registry.ts";
import { serviceType } from "../services/registry.ts";

/** Debian packages of a site, sorted: its manifest's, its platform's, and those the platform needs for the services. */
export function planPackages({ platform, packages, services }: Manifest): string[] {
  const ofServices = Object.values(services).flatMap(({ type }) => serviceType(type).clientPackages?.[platform] ?? []);
  return [...new Set([...packages, ...platforms[platform].packages, ...ofServices])].sort();
}
