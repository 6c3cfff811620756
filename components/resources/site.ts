import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { configDirectoryText, debFacts, jobText, workerText } from "../plan/changes-site.ts";
import { platforms } from "../platforms/registry.ts";
import type { Plan, SitePlan } from "../plan/plan.ts";
import { askedText } from "../plan/sites-asked.ts";
import { canonicalJson } from "../render/canonical-json.ts";
import { renderRelease } from "../render/release.ts";
import { requestRollout } from "../rollout/rollout.ts";
import { summary } from "../services/registry.ts";
import type { Node } from "./node.ts";

export interface SiteArgs {
  plan: Plan;
  site: SitePlan;
  /** Its nodes, in the order of `site.nodes`. */
  nodes: readonly Node[];
  /** Values of the site's secrets by variable. */
  secrets: pulumi.Output<Record<string, string>>;
}

/** An app placed in an environment: one rollout over all its nodes, whose verdict decides whether the update succeeds. */
export class Site extends pulumi.ComponentResource {
  /** Id of the declared release; only nodes know what is live. */
  readonly release: string;

  constructor(name: string, args: SiteArgs, options?: pulumi.ComponentResourceOptions) {
    super("silver:resources:Site", name, {}, options);
    const { plan, site, nodes } = args;
    const release = renderRelease(site);
    this.release = release.id;
    const connections = pulumi.all(
      nodes.map((node) => pulumi.all([node.connection, node.owner]).apply(([to, owner]) => ({ ...to, owner }))),
    );
    const stdin = pulumi
      .all([connections, args.secrets])
      .apply(([reached, secrets]) => canonicalJson(requestRollout(plan.ssh, site, release.id, reached, secrets)));
    new local.Command(
      `${name}-rollout`,
      {
        create: "node ../components/rollout/main.ts",
        delete: "node ../components/rollout/main.ts remove",
        // For reviewers: inputs of the command itself, so that after a failed rollout the state still has the old ones.
        environment: reviewed(site, release.id),
        stdin: pulumi.secret(stdin),
        addPreviousOutputInEnv: false,
        logging: local.Logging.Stderr,
      },
      { parent: this, dependsOn: [...nodes], hideDiffs: ["stdin"] },
    );
    this.registerOutputs({});
  }
}

/** The facts of a site as plain small values. */
function reviewed(site: SitePlan, release: string): Record<string, string> {
  return {
    site: site.name,
    ...(site.version === undefined ? {} : { version: site.version }),
    release,
    nodes: site.nodes.join(" "),
    locations: site.routes.map((route) => `${route.host}${route.path === "/" ? "" : route.path}`).join(" "),
    ...(platforms[site.platform].hasProcesses
      ? { processes: `${site.processes.count} x ${site.processes.threads}` }
      : { platform: site.platform }),
    ...(site.configDirectory === undefined ? {} : { configDirectory: configDirectoryText(site.configDirectory) }),
    ...(site.packages.length === 0 ? {} : { packages: site.packages.join(" ") }),
    ...(site.debs === undefined ? {} : { debs: debFacts(site).join(", ") }),
    ...Object.fromEntries((site.services ?? []).map((setUp) => [`service_${setUp.name}`, summary(setUp)])),
    ...(site.work === undefined ? {} : { works_on: site.work.on }),
    ...Object.fromEntries((site.work?.workers ?? []).map((worker) => [`worker_${worker.name}`, workerText(worker)])),
    ...Object.fromEntries((site.work?.jobs ?? []).map((job) => [`job_${job.name}`, jobText(job)])),
    ...Object.fromEntries(Object.entries(site.asks ?? {}).map(([name, other]) => [`service_${name}`, askedText(other)])),
    ...Object.fromEntries(Object.entries(site.libraries?.versions ?? {}).map(([name, value]) => [`library_${name}`, value])),
    ...Object.fromEntries(Object.entries(site.config).map(([name, value]) => [`config_${name}`, value])),
    ...Object.fromEntries(Object.entries(site.secrets).map(([name, version]) => [`secret_${name}`, `version ${version}`])),
  };
}
