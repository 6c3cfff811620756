import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { placeText } from "../components/text/code-frame.ts";
import { isError } from "../components/text/issue.ts";
import { printable } from "../components/text/printable.ts";
import { loadPlan } from "../components/plan/load.ts";
import type { BrokenSite, SitePlan } from "../components/plan/plan.ts";
import { renderRelease } from "../components/render/release.ts";
import { siteVerdict, type SiteVerdict } from "../components/rollout/verdict-file.ts";
import { exportedResources, root } from "./pulumi.ts";
import type { SiteStatus } from "./site-status.ts";
import { UserError } from "./user-error.ts";

/** How one site stands at the end of `silver up`. */
export interface SiteEnd {
  site: string;
  /** Whether what is declared serves. */
  isWell: boolean;
  verdict: SiteVerdict["verdict"] | "not deployed";
  /** Id of the declared release; null for a broken site. */
  release: string | null;
  urls: string[];
  /** What it serves on its nodes, as far as it was asked. */
  serves: string[];
  cause: string | null;
}

/** What is read of a resource in a stack's state. */
const resource = z.object({
  urn: z.string(),
  inputs: z.object({ environment: z.object({ release: z.string() }).partial().optional() }).optional(),
  outputs: z.object({ sites: z.record(z.string(), z.object({ urls: z.array(z.string()) })).optional() }).optional(),
});
type Resource = z.infer<typeof resource>;

/**
 * How each site ended: by what its rollout left, or else by whether Pulumi keeps its declared release, for which no rollout ran.
 * @param directory what the rollouts left
 */
export function endsOf(environment: string, directory: string): SiteEnd[] {
  const { value: plan } = loadPlan(root, environment);
  if (plan === undefined) return [];
  const planned = plan.sites.map((site) => ({ name: site.name, left: leftBy(directory, site.name), site }));
  const needsState = planned.some(({ left }) => left === undefined);
  const kept = needsState ? resourcesOf(environment) : [];
  const known = new Set([...plan.sites, ...plan.broken].map(({ name }) => name));
  return [
    ...planned.map(({ site, left }) => (left === undefined ? withoutRollout(site, kept) : endOf(left))),
    ...plan.broken.map(endOfBroken),
    ...removedIn(directory, known).map(endOf),
  ].sort((one, other) => (one.site < other.site ? -1 : 1));
}

/**
 * The same, where a site for which no rollout ran is not well unless its nodes say so: what nothing changed may fail all the same.
 * @param ask the status of all sites; asked only where it matters. Where nothing is deployed it fails, and Pulumi has said why
 */
export async function withStatus(ends: SiteEnd[], ask: () => Promise<SiteStatus[]>): Promise<SiteEnd[]> {
  const isOpen = ({ verdict, isWell, serves }: SiteEnd) => verdict === "unchanged" && isWell && serves.length === 0;
  if (!ends.some(isOpen)) return ends;
  const rows = await ask().catch((error: unknown) => {
    if (error instanceof UserError) return [];
    throw error;
  });
  return ends.map((end) => {
    // What somebody else is rolling out is for them to end.
    const wrong = rows.filter(({ site, state, holder }) => site === end.site && state !== "ok" && holder === null);
    if (!isOpen(end) || wrong.length === 0) return end;
    return { ...end, isWell: false, cause: [...new Set(wrong.map(({ state }) => state))].join(" · ") };
  });
}

/** What Pulumi keeps of a stack; nothing where there is none yet, of which Pulumi has said enough already. */
function resourcesOf(environment: string): Resource[] {
  try {
    return exportedResources(environment, resource);
  } catch (error) {
    if (error instanceof UserError) return [];
    throw error;
  }
}

function leftBy(directory: string, site: string): SiteVerdict | undefined {
  const file = join(directory, `${site}.json`);
  return existsSync(file) ? siteVerdict.parse(JSON.parse(readFileSync(file, "utf8"))) : undefined;
}

/** Sites whose removal left a verdict: the plan has them no more. */
function removedIn(directory: string, known: ReadonlySet<string>): SiteVerdict[] {
  return readdirSync(directory)
    .map((name) => name.replace(/\.json$/, ""))
    .filter((site) => !known.has(site))
    .flatMap((site) => leftBy(directory, site) ?? []);
}

function endOf({ site, verdict, release, nodes, urls, cause }: SiteVerdict): SiteEnd {
  const isWell = verdict === "live" || verdict === "unchanged" || verdict === "removed";
  return { site, isWell, verdict, release, urls, serves: servesOf(nodes), cause: cause ?? null };
}

function servesOf(nodes: SiteVerdict["nodes"]): string[] {
  const told = nodes.map(({ name, serves }) => ({
    name,
    text: serves === undefined ? "did not answer" : serves === null ? "nothing serves yet" : `${shortRelease(serves)} serves`,
  }));
  const [one, ...others] = new Set(told.map(({ text }) => text));
  if (one === undefined) return [];
  return others.length === 0 && one !== "did not answer" ? [one] : told.map(({ name, text }) => `${name}: ${text}`);
}

function withoutRollout(site: SitePlan, resources: readonly Resource[]): SiteEnd {
  const { id } = renderRelease(site);
  const kept = resources.find(({ urn }) => urn.endsWith(`::${site.name}-rollout`))?.inputs?.environment?.release;
  const urls = resources.flatMap(({ outputs }) => outputs?.sites?.[site.name]?.urls ?? []);
  const isWell = kept === id;
  const verdict = isWell ? "unchanged" : "not deployed";
  return { site: site.name, isWell, verdict, release: id, urls, serves: [], cause: isWell ? null : "see above" };
}

function endOfBroken({ name, issues }: BrokenSite): SiteEnd {
  const [first] = issues.filter(isError);
  const cause = first === undefined ? "see above" : `${placeText(first.place)} [${first.code}]`;
  return { site: name, isWell: false, verdict: "not deployed", release: null, urls: [], serves: ["it stays as it is"], cause };
}

/** The line of a site: `✓ blog live 1.5.0 http://blog.acme.net/`, `✗ shop reverted · SyntaxError src/wsgi.py:28 · 2.1.0 serves`. */
export function endLine({ site, isWell, verdict, release, urls, serves, cause }: SiteEnd): string {
  const [url, ...more] = urls;
  const where = url === undefined ? [] : [more.length > 0 ? `${url} and ${more.length} more` : url];
  const words = isWell
    ? [[`✓ ${site}`, verdict, ...(release === null || verdict === "removed" ? [] : [shortRelease(release)]), ...where].join(" ")]
    : [`✗ ${site} ${verdict}`, ...(cause === null ? [] : [cause]), ...serves];
  return printable(words.join(" · "));
}

/** A release as people speak of it: its version, or its bundle where it has none. */
const shortRelease = (id: string): string => /^(.+)-[0-9a-f]{8}\.[0-9a-f]{8}$/.exec(id)?.[1] ?? id.replace(/\.[0-9a-f]{8}$/, "");
