import type { Bundle } from "../../components/bundle/bundle.ts";
import { parseRequirements } from "../../components/bundle/requirements.ts";
import { parseEnvironment } from "../../components/environment/parse.ts";
import type { Parsed } from "../../components/text/issue.ts";
import { examineManifest } from "../../components/manifest/parse.ts";
import { platformOf } from "../../components/platforms/registry.ts";
import { planEnvironment, type LoadedApp } from "../../components/plan/plan-environment.ts";
import type { Plan, SitePlan } from "../../components/plan/plan.ts";

/** Texts by the names of their files: one environment, `dev.yaml`, and the manifests of its apps, each before its requirements.txt. */
export type Sources = Record<string, string>;

/** Plans an environment from texts alone; each site's bundle has the digest `3fa2c1d0…` and no files. */
export function planOf(sources: Sources): Parsed<Plan> {
  const environment = parseEnvironment(sources["dev.yaml"] ?? "", "stacks/dev.yaml", "dev");
  if (environment.value === undefined) return { issues: environment.issues };
  const apps = Object.values(environment.value.sites).map(({ name, app }): [string, LoadedApp] => {
    const [file = "", text = ""] = Object.entries(sources).find(([path]) => path.startsWith(`${app}/`)) ?? [];
    const { value, issues, parts } = examineManifest(text, file);
    const location = parts.default_location === undefined ? {} : { defaultLocation: parts.default_location };
    if (value === undefined) return [name, { issues, platform: platformOf(parts), ...location }];
    const listed = parseRequirements(sources[`${app}/requirements.txt`] ?? "", `${app}/requirements.txt`);
    const libraries = listed.value === undefined ? {} : { requirements: listed.value };
    const all = [...issues, ...listed.issues];
    return [name, { issues: all, ...location, value: { manifest: value, bundle: bundleOf(app, value.version), ...libraries } }];
  });
  const plan = planEnvironment(environment.value, new Map(apps));
  return { ...plan, issues: [...environment.issues, ...plan.issues] };
}

/** The same where nothing may be wrong. */
export function planned(sources: Sources): Plan {
  const { value, issues } = planOf(sources);
  if (value === undefined || value.broken.length > 0) throw new Error(JSON.stringify(issues, undefined, 2));
  return value;
}

/** One site `blog` on one node `web1`: what its manifest says besides name and runner, and its environment besides app and nodes. */
export function plannedSite(manifest = "", site = 'locations: ["*"]'): SitePlan {
  const { sites } = planned({
    "dev.yaml": `nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web1], ${site}}\n`,
    "apps/blog/app.yaml": `name: blog\nversion: 1.5.0\nrunner: src/wsgi.py\n${manifest}`,
  });
  if (sites[0] === undefined) throw new Error("no site was planned");
  return sites[0];
}

function bundleOf(app: string, version: string | undefined): Bundle {
  const content = "3fa2c1d0";
  return { id: version === undefined ? content : `${version}-${content}`, digest: content.repeat(8), app, entries: [] };
}
