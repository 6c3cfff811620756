import type { Manifest } from "../manifest/manifest.ts";
import { platforms } from "../platforms/registry.ts";
import { serviceOf } from "./plan-services.ts";

/** Debian packages of a site, sorted: what its manifest lists, its platform's, and by which that speaks with the services. */
export function planPackages({ platform, packages, services }: Manifest): string[] {
  const ofServices = Object.values(services).flatMap(({ type }) => serviceOf(type).clientPackages?.[platform] ?? []);
  return [...new Set([...packages, ...platforms[platform].packages, ...ofServices])].sort();
}
