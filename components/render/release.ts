import { hash } from "node:crypto";
import { distinctTargets, type SiteLibraries } from "../plan/libraries.ts";
import type { SiteConfigDirectory, SitePlan } from "../plan/plan.ts";
import { unitRoles, type ConfFile } from "../platforms/platform.ts";
import { platforms } from "../platforms/registry.ts";
import { externalType } from "../services/external.ts";
import { renderApacheConfig } from "./apache-config.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Release, ReleaseUnit, RenderedFile } from "./rendered.ts";
import { runFiles } from "./run-unit.ts";
import { renderSiteVcl } from "./site-vcl.ts";
import { renderCheckUnit } from "./check-unit.ts";
import { renderAppUnit, renderWebUnit } from "./unit-file.ts";
import { workFiles, workUnits } from "./work-files.ts";

/** What a rollout sends to each node of a site. Its id depends on all of it, so that equal content is an equal release. */
export function renderRelease(site: SitePlan): Release {
  const rest = {
    site: site.name,
    user: site.user,
    bundle: { id: site.bundle.id, digest: site.bundle.digest },
    ...(site.version === undefined ? {} : { version: site.version }),
    packages: site.packages,
    ...(site.debs === undefined ? {} : { debs: site.debs }),
    files: releaseFiles(site),
    units: releaseUnits(site),
    variables: site.variables,
    secrets: site.secrets,
    ...(site.configDirectory === undefined ? {} : { configDirectory: placeOf(site.configDirectory) }),
    ...(site.checker === undefined ? {} : { checker: site.checker }),
    ...(site.libraries === undefined ? {} : { libraries: releaseLibraries(site.libraries) }),
    ...releaseExternal(site),
  };
  const digest = hash("sha256", canonicalJson(rest));
  return { id: `${site.bundle.id}.${digest.slice(0, 8)}`, digest, ...rest };
}

function releaseLibraries(libraries: SiteLibraries) {
  return { requirements: libraries.digest, targets: distinctTargets(libraries) };
}

/** What is said of services that others run: a process knows the address and the credential with which it began. */
function releaseExternal({ services = [] }: SitePlan): Pick<Release, "external"> {
  const own = services.filter(({ type }) => type === externalType);
  if (own.length === 0) return {};
  const digests = own.map(({ name, options, variables }) => [name, hash("sha256", canonicalJson({ options, variables }))]);
  return { external: Object.fromEntries(digests) as Record<string, string> };
}

/** The platform's units, the one with Apache, and what works beside them. */
function releaseUnits(site: SitePlan): ReleaseUnit[] {
  const roles = [...platforms[site.platform].units(site).map(({ role }) => role), "web" as const];
  return [
    ...roles.map((role): ReleaseUnit => ({ role, file: `conf/${role}.service`, starts: unitRoles[role] })),
    ...workUnits(site),
  ];
}

function releaseFiles(site: SitePlan): RenderedFile[] {
  const platform = platforms[site.platform];
  const conf = (name: string, content: string): RenderedFile => ({ path: `conf/${name}`, mode: "0644", content });
  const confs = (files: ConfFile[]) => files.map(({ name, content }) => conf(name, content));
  const directory = site.configDirectory && configPath(site.configDirectory);
  const checker = site.checker === undefined ? undefined : platform.checker?.(site.checker, directory);
  return [
    conf("apache.conf", renderApacheConfig(site)),
    ...confs(platform.files(site)),
    conf("site.vcl", renderSiteVcl(site)),
    ...platform.units(site).map((unit) => conf(`${unit.role}.service`, renderAppUnit(site, unit))),
    conf("web.service", renderWebUnit(site)),
    ...confs(workFiles(site)),
    ...confs(runFiles(site)),
    ...(checker === undefined ? [] : [...confs(checker.files), conf("check.service", renderCheckUnit(site, checker))]),
  ];
}

/** Where a release has its configuration directory: its own, or one of its app. */
function configPath(directory: SiteConfigDirectory): string {
  return directory.of === "app" ? `app/${directory.path}` : "config";
}

function placeOf(directory: SiteConfigDirectory): NonNullable<Release["configDirectory"]> {
  const path = configPath(directory);
  return directory.of === "app" ? { path } : { path, digest: directory.digest };
}
