import { hash } from "node:crypto";
import { readFileSync } from "node:fs";
import { distinctTargets, type SiteLibraries } from "../plan/libraries.ts";
import type { SiteConfigDirectory, SitePlan } from "../plan/plan.ts";
import type { UnitRole } from "../plan/site-name.ts";
import { renderApacheConfig } from "./apache-config.ts";
import { canonicalJson } from "./canonical-json.ts";
import type { Release, ReleaseUnit, RenderedFile } from "./rendered.ts";
import { renderPhpFpm } from "./php-fpm.ts";
import { renderSiteVcl } from "./site-vcl.ts";
import { configPath, renderCheckUnit } from "./check-unit.ts";
import { renderPhpUnit, renderWebUnit } from "./unit-file.ts";

/** Parts of this program, as its other modules are: read once, when the program starts. */
const wsgiWrapper = source("wsgi.py");
const checkProgram = source("check.py");
const phpPrepend = source("prepend.php");

function source(name: string): string {
  return readFileSync(new URL(name, import.meta.url), "utf8");
}

/** What a rollout brings to each node of a site. Its id follows from all of it, so that equal content is an equal release. */
export function renderRelease(site: SitePlan): Release {
  const rest = {
    site: site.name,
    user: site.user,
    bundle: { id: site.bundle.id, digest: site.bundle.digest },
    ...(site.version === undefined ? {} : { version: site.version }),
    packages: site.packages,
    files: releaseFiles(site),
    units: releaseUnits(site),
    variables: site.variables,
    secrets: site.secrets,
    ...(site.configDirectory === undefined ? {} : { configDirectory: placeOf(site.configDirectory) }),
    ...(site.checker === undefined ? {} : { checker: site.checker }),
    ...(site.libraries === undefined ? {} : { libraries: releaseLibraries(site.libraries) }),
  };
  const digest = hash("sha256", canonicalJson(rest));
  return { id: `${site.bundle.id}.${digest.slice(0, 8)}`, digest, ...rest };
}

function releaseLibraries(libraries: SiteLibraries) {
  return { requirements: libraries.digest, targets: distinctTargets(libraries) };
}

/** PHP first: it listens before Apache is let to anyone, and goes only when Apache has let all requests end. */
function releaseUnits({ platform }: SitePlan): ReleaseUnit[] {
  const roles: UnitRole[] = platform === "php" ? ["php", "web"] : ["web"];
  return roles.map((role) => ({ role, file: `conf/${role}.service`, starts: "prepare" }));
}

function releaseFiles(site: SitePlan): RenderedFile[] {
  const conf = (name: string, content: string): RenderedFile => ({ path: `conf/${name}`, mode: "0644", content });
  return [
    conf("apache.conf", renderApacheConfig(site)),
    ...(site.platform === "python" ? [conf("site.json", renderSiteJson(site)), conf("wsgi.py", wsgiWrapper)] : []),
    ...(site.platform === "php"
      ? [conf("php-fpm.conf", renderPhpFpm(site)), conf("php.service", renderPhpUnit(site)), conf("prepend.php", phpPrepend)]
      : []),
    conf("site.vcl", renderSiteVcl(site)),
    conf("web.service", renderWebUnit(site)),
    ...(site.checker === undefined
      ? []
      : [
          ...(site.platform === "python" ? [conf("check.py", checkProgram)] : []),
          conf("check.service", renderCheckUnit(site, site.checker)),
        ]),
  ];
}

function placeOf(directory: SiteConfigDirectory): NonNullable<Release["configDirectory"]> {
  const path = configPath(directory);
  return directory.of === "app" ? { path } : { path, digest: directory.digest };
}

/** What conf/wsgi.py must know: data beside code, so that no value is ever written into Python. */
function renderSiteJson(site: SitePlan): string {
  if (site.runner === undefined) throw new Error(`site ${site.name} has no runner`);
  const [runner, object] = site.runner.split("#");
  // The agent fills placeholders in by text: an @ of a name must not begin one.
  const name = (text: string) => JSON.stringify(text).replaceAll("@", "\\u0040");
  return `{
  "site": ${name(site.name)},
  "release": "@RELEASE@",
  "runner": ${name(runner ?? "")},
  "object": ${name(object ?? "application")}
}
`;
}
