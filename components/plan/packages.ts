import type { Bundle } from "../bundle/bundle.ts";
import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import type { Manifest } from "../manifest/manifest.ts";
import { error, type Issue } from "../text/issue.ts";
import type { Deb, SiteWork } from "./plan.ts";
import { utc } from "./plan-work.ts";
import { platforms } from "../platforms/registry.ts";
import { serviceType } from "../services/registry.ts";

/** Debian packages of a site, sorted: its manifest's, its platform's, those the platform needs for the services, and its jobs' zone. */
export function planPackages({ platform, packages, services }: Manifest, work?: SiteWork): string[] {
  const ofJobs = work?.jobs.some(({ zone }) => zone !== utc) === true ? ["tzdata"] : [];
  const ofServices = Object.values(services).flatMap(({ type }) => serviceType(type).clientPackages?.[platform] ?? []);
  return [...new Set([...packages, ...platforms[platform].packages, ...ofServices, ...ofJobs])].sort();
}

/** The packages that an app brings as files, as far as it has them. */
export function planDebs({ debs }: Manifest, { entries }: Bundle): Deb[] {
  const found = debs.flatMap((path): Deb[] => {
    const entry = entries.find((each) => each.path === path);
    return entry?.type === "file" ? [{ path, digest: entry.sha256 }] : [];
  });
  return found.sort((one, other) => (one.path < other.path ? -1 : 1));
}

/** Root runs what is in a package: an environment says which apps it believes. */
export function judgeDebs(environment: Environment, site: EnvironmentSite, manifest: Manifest, bundle: Bundle): Issue[] {
  const { file, debs } = manifest;
  if (debs.length > 0 && !environment.apt.debs.includes(site.name)) {
    const place = { file: environment.file, ...site.place };
    const message = `site ${site.name} brings Debian packages as files (${debs.join(", ")}), which this environment does not allow it`;
    const fix = `write apt: {debs: [${site.name}]}, if root may run what is in them; or name packages of the distribution under packages`;
    return [error("debs-not-allowed", place, message, fix)];
  }
  const known = planDebs(manifest, bundle).map(({ path }) => path);
  const missing = debs.filter((path) => !known.includes(path));
  return missing.map((path) =>
    error("missing-file", { file }, `debs names ${path}, and the app ships no such file`, "add the file, or delete the line"),
  );
}
