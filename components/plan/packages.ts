import type { Manifest } from "../manifest/manifest.ts";
import { serviceOf } from "./plan-services.ts";

/** Debian packages of a site, sorted: what its manifest lists, and PHP with its side of the services, which only its sites need. */
export function planPackages({ platform, packages, services }: Manifest): string[] {
  if (platform !== "php") return [...packages].sort();
  const ofServices = Object.values(services).flatMap(({ type }) => serviceOf(type).phpPackage ?? []);
  return [...new Set([...packages, "php-fpm", ...ofServices])].sort();
}
