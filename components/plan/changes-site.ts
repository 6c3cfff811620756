import type { Bundle, BundleEntry } from "../bundle/bundle.ts";
import { summary } from "../services/registry.ts";
import { locationText } from "./location.ts";
import type { SiteConfigDirectory, SitePlan, JobPlan, WorkerPlan } from "./plan.ts";
import { askedText } from "./sites-asked.ts";
import { sizeText } from "../text/size-text.ts";

/** One changed fact of a site or a node. Texts are for people; a secret is shown by its version. */
export interface Detail {
  /** `config`, `processes`, `packages` … */
  about: string;
  /** Which one, if there are several: the variable, the package. */
  name?: string;
  /** Absent: it is new, or was never recorded. */
  from?: string;
  /** Absent: it is removed. */
  to?: string;
}

type Compare = (one: SitePlan, other: SitePlan) => Detail[];

/** Each fact of a site: anything added to SitePlan must be shown here, or this does not compile. */
const facts: Record<keyof SitePlan, Compare | undefined> = {
  name: undefined,
  // Derived from the name.
  user: undefined,
  app: (one, other) => changed("app", one.app, other.app),
  version: (one, other) => changed("version", one.version, other.version),
  bundle: (one, other) => bundleDetails(one.bundle, other.bundle),
  platform: (one, other) => changed("platform", one.platform, other.platform),
  runner: (one, other) => changed("runner", one.runner, other.runner),
  phpRoot: (one, other) => changed("php_root", one.phpRoot, other.phpRoot),
  nodes: (one, other) => lists("on", one.nodes, other.nodes),
  routes: (one, other) => lists("locations", one.routes.map(locationText), other.routes.map(locationText)),
  isHttps: (one, other) => changed("https", one.isHttps === true ? "on" : "off", other.isHttps === true ? "on" : "off"),
  packages: (one, other) => lists("packages", one.packages, other.packages),
  debs: (one, other) => lists("debs", debFacts(one), debFacts(other)),
  processes: (one, other) => maps("processes", processFacts(one), processFacts(other)),
  limits: (one, other) => changed("limits.body", sizeText(one.limits.bodyBytes), sizeText(other.limits.bodyBytes)),
  timeouts: (one, other) => maps("timeouts", one.timeouts, other.timeouts),
  check: (one, other) => maps("check", one.check, other.check),
  config: (one, other) => maps("config", configFacts(one), configFacts(other)),
  configDirectory: (one, other) => configDirectoryDetails(one.configDirectory, other.configDirectory),
  checker: (one, other) => changed("checker", one.checker, other.checker),
  // Shown with the config that contains them.
  secrets: undefined,
  variables: (one, other) => maps("variables", platformVariables(one), platformVariables(other)),
  services: (one, other) => maps("services", serviceFacts(one), serviceFacts(other)),
  work: (one, other) => [
    ...changed("works on", one.work?.on, other.work?.on),
    ...maps("workers", workerFacts(one), workerFacts(other)),
    ...maps("cron", jobFacts(one), jobFacts(other)),
  ],
  asks: (one, other) => maps("services", askedFacts(one), askedFacts(other)),
  libraries: (one, other) => libraryDetails(one, other),
  retain: (one, other) => changed("retain", text(one.retain), text(other.retain)),
  graceSeconds: (one, other) => changed("grace", `${one.graceSeconds}s`, `${other.graceSeconds}s`),
};

/** The facts of a new site that a reviewer decides on. */
const ofNew = [
  "on",
  "locations",
  "packages",
  "debs",
  "config",
  "config_dir",
  "services",
  "works on",
  "workers",
  "cron",
  "libraries",
];

/** The facts in which two states of a site differ; for a new site those that a reviewer decides on. */
export function siteDetails(one: SitePlan | undefined, other: SitePlan): Detail[] {
  // Most sites are unchanged; comparing bytes shows that fastest.
  if (one !== undefined && bytesOf(one) === bytesOf(other)) return [];
  if (one !== undefined) return Object.values(facts).flatMap((compare) => compare?.(one, other) ?? []);
  const empty: SitePlan = { ...other, nodes: [], routes: [], packages: [], config: {}, secrets: {}, variables: {} };
  delete empty.services;
  delete empty.work;
  delete empty.asks;
  delete empty.debs;
  delete empty.configDirectory;
  delete empty.libraries;
  return siteDetails(empty, other).filter(({ about }) => ofNew.includes(about));
}

/** One fact. */
export function changed(about: string, from: string | undefined, to: string | undefined): Detail[] {
  if (from === to) return [];
  return [{ about, ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) }];
}

/** What a list lost and gained; its order only if nothing else changed. */
export function lists(about: string, one: readonly string[], other: readonly string[]): Detail[] {
  const lost = one.filter((each) => !other.includes(each)).map((name) => ({ about, name, from: name }));
  const won = other.filter((each) => !one.includes(each)).map((name) => ({ about, name, to: name }));
  return [...lost, ...won];
}

/** The keys in which two maps differ, by name. */
export function maps(about: string, one: object, other: object): Detail[] {
  const [from, to] = [one, other].map((map) => new Map(Object.entries(map).map(([key, value]) => [key, text(value)])));
  return [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .sort()
    .flatMap((name) => changed(about, from?.get(name), to?.get(name)).map((detail) => ({ ...detail, name })));
}

/** The value as data, to compare two. */
export function bytesOf(value: unknown): string {
  return JSON.stringify(value);
}

function text(value: unknown): string {
  return typeof value === "string" ? value : bytesOf(value);
}

function bundleDetails(one: Bundle, other: Bundle): Detail[] {
  return one.digest === other.digest ? [] : differing("files", one.entries, other.entries);
}

/** The first files that were added, changed or removed, by path: those that changed are the same text before and after. */
function differing(about: string, one: readonly BundleEntry[], other: readonly BundleEntry[]): Detail[] {
  const files = (entries: readonly BundleEntry[]) =>
    Object.fromEntries(entries.map(({ path, ...rest }) => [path, bytesOf(rest)]));
  const all = maps(about, files(one), files(other)).map(({ name = "", from, to }): Detail => {
    const shown = bytesOf(name);
    return { about, name: shown, ...(from === undefined ? {} : { from: shown }), ...(to === undefined ? {} : { to: shown }) };
  });
  const most = 6;
  return all.length > most ? [...all.slice(0, most), { about, to: `and ${all.length - most} more` }] : all;
}

/** Which directory it is, or, if that is unchanged, which of its files changed. An app's own directory is shown with the app's files. */
function configDirectoryDetails(one?: SiteConfigDirectory, other?: SiteConfigDirectory): Detail[] {
  const about = "config_dir";
  if (one?.of === "environment" && other?.of === "environment" && one.digest !== other.digest && one.path === other.path)
    return [{ about, to: other.path }, ...differing(about, one.entries, other.entries)];
  return changed(about, one && configDirectoryText(one), other && configDirectoryText(other));
}

/** A configuration directory for a reviewer. */
export function configDirectoryText(directory: SiteConfigDirectory): string {
  if (directory.of === "app") return `${directory.path} of the app`;
  return `${directory.path} sha256:${directory.digest}`;
}

function processFacts({ processes }: SitePlan): object {
  const { memoryBytes, ...rest } = processes;
  return { ...rest, memory: sizeText(memoryBytes) };
}

/** Covers a library whose version is the same but whose files changed. */
function libraryDetails({ libraries: one }: SitePlan, { libraries: other }: SitePlan): Detail[] {
  const told = maps("libraries", one?.versions ?? {}, other?.versions ?? {});
  if (told.length > 0 || one?.digest === other?.digest) return told;
  return [{ about: "libraries", to: "other files of the same versions" }];
}

/** Values as shown to people, secrets by their version. */
function configFacts({ config, secrets }: SitePlan): object {
  const plain = Object.entries(config).map(([name, value]) => [name, bytesOf(value)]);
  const hidden = Object.entries(secrets).map(([name, version]) => [name, secretText(version)]);
  return Object.fromEntries([...plain, ...hidden]) as object;
}

/** A secret as a reviewer sees it. */
export function secretText(version: number | string): string {
  return `secret, version ${version}`;
}

/** Variables that nobody wrote: they are derived from others. */
function platformVariables({ variables, config }: SitePlan): object {
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !Object.hasOwn(config, name)));
}

function workerFacts({ work }: SitePlan): object {
  return Object.fromEntries((work?.workers ?? []).map((worker) => [worker.name, workerText(worker)]));
}

function jobFacts({ work }: SitePlan): object {
  return Object.fromEntries((work?.jobs ?? []).map((job) => [job.name, jobText(job)]));
}

/** A job for a reviewer: `bin/digest at 15 3 * * * UTC, 400M, at most 3600s, skipped while it runs`. */
export function jobText({ run, at, zone, memoryBytes, timeoutSeconds, overlap }: JobPlan): string {
  const meanwhile = overlap === "skip" ? "skipped while it runs" : "also while it runs";
  return `${run} at ${at} ${zone}, ${sizeText(memoryBytes)}, at most ${timeoutSeconds}s, ${meanwhile}`;
}

/** A worker for a reviewer: `2 x bin/mailer, 400M each, 60s to end`. */
export function workerText({ run, count, memoryBytes, stopSeconds }: WorkerPlan): string {
  return `${count} x ${run}, ${sizeText(memoryBytes)} each, ${stopSeconds}s to end`;
}

/** Packages that the app brings, each with all of its digest. */
export function debFacts({ debs = [] }: Pick<SitePlan, "debs">): string[] {
  return debs.map(({ path, digest }) => `${path} sha256:${digest}`);
}

function askedFacts({ asks = {} }: SitePlan): object {
  return Object.fromEntries(Object.entries(asks).map(([service, site]) => [service, askedText(site)]));
}

function serviceFacts({ services }: SitePlan): object {
  return Object.fromEntries((services ?? []).map((setUp) => [setUp.name, summary(setUp)]));
}
