import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import { error, type Issue } from "../text/issue.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { SitePlan } from "./plan.ts";
import { isZone, programsOf } from "./plan-work.ts";
import { serviceType, servicesOnNode } from "../services/registry.ts";
import { mostPrograms } from "../platforms/capacity.ts";
import { quote } from "../text/quote.ts";
import { sizeText } from "../text/size-text.ts";

/** What a site lacks, and what its manifest asks for beyond the environment's limits. The environment's own values are checked with it. */
export function judgeSite(environment: Environment, site: EnvironmentSite, manifest: Manifest, plan: SitePlan): Issue[] {
  const place = { file: environment.file, ...site.place };
  const issues: Issue[] = [];
  if (plan.routes.length === 0) {
    const message = `site ${site.name} has no locations, and ${manifest.file} has no default_location`;
    issues.push(error("no-location", place, message, 'add locations, e.g. [blog.acme.net], or ["*"] for every host'));
  }
  for (const [name, purpose] of Object.entries(manifest.config.required)) {
    if (Object.hasOwn(plan.config, name) || Object.hasOwn(plan.secrets, name)) continue;
    const message = `site ${site.name} lacks config ${name}${purpose === "" ? "" : ` (${purpose})`}, which ${manifest.file} requires`;
    issues.push(error("missing-config", place, message, `add ${name} to the site's config`));
  }
  if (manifest.config.directoryRequired && plan.configDirectory === undefined) {
    const message = `site ${site.name} lacks a configuration directory, which ${manifest.file} requires`;
    const make = manifest.config.template === undefined ? "" : `, e.g. one that silver config create ${site.name} makes`;
    issues.push(error("missing-config", place, message, `add config_dir: the path of a directory${make}`));
  }
  const { processes, memoryBytes, bodyBytes } = environment.limits;
  const ofSite = "lower it there, or under the site's limits, or raise the environment's limits";
  const beyond = (what: string, most: string, fix = ofSite, wants = "asks for") => {
    const message = `${manifest.file} ${wants} ${what}, but this environment allows site ${site.name} ${most}`;
    issues.push(error("limit", place, message, fix));
  };
  if (processes !== undefined && plan.processes.count > processes) {
    beyond(`${plan.processes.count} processes`, String(processes));
  }
  if (memoryBytes !== undefined && plan.processes.memoryBytes > memoryBytes) {
    beyond(`${sizeText(plan.processes.memoryBytes)} of memory a process`, sizeText(memoryBytes));
  }
  const { workers = [], jobs = [] } = plan.work ?? {};
  for (const [what, own] of [
    ...workers.map((each) => ["worker", each] as const),
    ...jobs.map((each) => ["job", each] as const),
  ]) {
    if (memoryBytes !== undefined && own.memoryBytes > memoryBytes && own.memoryBytes > plan.processes.memoryBytes)
      beyond(`${sizeText(own.memoryBytes)} of memory for its ${what} ${own.name}`, sizeText(memoryBytes));
  }
  const programs = plan.work === undefined ? 0 : programsOf(plan.work);
  if (programs > mostPrograms) {
    const message = `${manifest.file} asks for ${programs} workers and runs of jobs at once, and a site has at most ${mostPrograms}`;
    issues.push(error("much-work", place, message, "lower their count, or have one of them do the work of several"));
  }
  const zone = jobs.map((job) => job.zone).find((each) => !isZone(each));
  if (zone !== undefined) {
    const message = `site ${site.name} has ${quote(zone)} as its TZ, which is not the name of a time zone, and its jobs start by it`;
    issues.push(error("job-zone", place, message, "write a name such as Europe/Berlin, or UTC"));
  }
  if (bodyBytes !== undefined && plan.limits.bodyBytes > bodyBytes) {
    beyond(`request bodies of ${sizeText(plan.limits.bodyBytes)}`, sizeText(bodyBytes));
  }
  for (const { what, most, option, limit } of servicesBeyond(environment, plan))
    beyond(what, sizeText(most), `lower its ${option} there, or raise limits.${limit} of the environment`, "needs");
  return issues;
}

/** What services of a site would take of their node beyond the environment's limits, and the option of each that decides it. */
function servicesBeyond({ limits }: Environment, { services }: SitePlan) {
  const { quotaBytes = Infinity, serviceMemoryBytes = Infinity } = limits;
  return servicesOnNode(services).flatMap(({ name, type, options: told }) => {
    const own = serviceType(type);
    const whose = `for its service ${name} (${type})`;
    const [kept = 0, held = 0] = [own.disk?.(told), own.memory?.(told)];
    // What has no quota keeps what it holds in memory.
    const ofDisk = { what: `${sizeText(kept)} on disk ${whose}`, most: quotaBytes, limit: "quota" };
    const ofMemory = { what: `${sizeText(held)} of memory ${whose}`, most: serviceMemoryBytes, limit: "service_memory" };
    return [
      ...(kept > quotaBytes ? [{ ...ofDisk, option: "quota" in own.options ? "quota" : "memory" }] : []),
      ...(held > serviceMemoryBytes ? [{ ...ofMemory, option: "memory" }] : []),
    ];
  });
}
