import { z } from "zod";
import { choice, either, list, map, text, toggle } from "../text/schema/fields.ts";
import { hostName } from "./machine-fields.ts";
import { apt } from "./apt-fields.ts";
import { https } from "./https-field.ts";
import { servicePlace } from "./external-field.ts";
import { network } from "./network-field.ts";
import { secretVersion } from "./secret-field.ts";
import { machineKeys } from "./kinds/registry.ts";
import { location, name, serviceKey, variable, variableValue } from "../text/schema/names.ts";
import { path } from "../text/schema/paths.ts";
import { count, duration, size } from "../text/schema/quantities.ts";
import { systemNames } from "../systems/systems.ts";

/** One entry of `nodes`. */
export const nodeSchema = z
  .strictObject({
    ...machineKeys,
    os: choice(systemNames).describe(
      "ID and VERSION_ID of its /etc/os-release. A rollout is refused when the node says otherwise.",
    ),
    roles: list(choice(["web", "service"]), "a list of roles (web, service)", "[web]", 1)
      .default(["web"])
      .describe(
        "What the node does: serve sites (web). A node that has the role service alone is set up and runs nothing yet: services run on the node of their site.",
      ),
    memory: size("64M", "4T")
      .exactOptional()
      .describe(
        "Memory that all its sites may take together. Their processes, workers and jobs, and their services in memory, must fit into it; when all that they take, such as databases and temporary files, comes to more, the kernel ends one of their processes. Default: no limit.",
      ),
  })
  .describe("One machine.");

const limits = {
  processes: count(1, 256, 8).exactOptional(),
  memory: size("32M", "64G").exactOptional(),
  body: size("1K", "1G").exactOptional(),
};

const configValue = either([variableValue(), secretVersion()], {
  code: "wrong-type",
  must: "a text, or {secret: VERSION}",
  example: '"on"',
  isHidden: true,
  explain: (value) => (typeof value === "boolean" ? { fix: `put it in quotes: "${String(value)}"` } : undefined),
});

const config = () => map(variable(), configValue, "a map: variable → text or {secret: VERSION}", '{SIGNUPS: "on"}').default({});

/** Directory of a site's app. */
export const appPath = path("the project");

/** One entry of `sites`. */
export const siteSchema = z
  .strictObject({
    app: appPath.describe("Directory of the app, from the project's root."),
    locations: list(location(), "a list of locations", "[blog.acme.net]")
      .default([])
      .describe(
        "Where the site answers: host[/path], .example.com[/path] or *[/path]. Default: the manifest's default_location.",
      ),
    nodes: list(name(), "a list of nodes", "[web1]", 1).describe("Nodes that serve the site."),
    services: map(serviceKey(), servicePlace, "a map: service → node or {external: PLACE}", "{db: data1}")
      .default({})
      .describe(
        "Where each service is: the node that runs it (only the site's own is possible yet, which is the default), or {external: PLACE}, where somebody else runs it ([services](services.md#external)).",
      ),
    config: config().describe(
      "Variables of os.environ: a text, or the version of a secret. They go before the manifest's config.default.",
    ),
    config_dir: path("the project", "config/blog")
      .exactOptional()
      .describe(
        "Directory of files, from the project's root, that the site finds by SILVER_APP_CONFIG: at most 500 files and 1 MiB, in git, and no secrets. Default: the manifest's config.default, where that is a directory.",
      ),
    limits: z
      .strictObject({
        processes: limits.processes.describe("Daemon processes on each node, in place of the manifest's processes.count."),
        memory: limits.memory.describe("Memory that a process may allocate, in place of the manifest's processes.memory."),
        body: limits.body.describe("Largest body of a request, in place of the manifest's limits.body."),
      })
      .prefault({})
      .describe("What overrides the manifest."),
  })
  .describe("An app placed in this environment.");

/** The schema of stacks/<environment>.yaml, alone or over stacks/base.yaml. */
export const environmentSchema = z
  .strictObject({
    protected: toggle()
      .prefault(false)
      .describe(
        "true: no node and nothing that has data (a site, a service) is removed, a version keeps its bytes, `pulumi destroy` is refused, and `silver destroy NAME` asks for the name. Taking that back is a change of its own, before the one that it refused.",
      ),
    ssh: z
      .strictObject({
        user: text(/^[a-z_][a-z0-9_-]{0,31}$/, { code: "bad-text", must: "the name of a Unix user", example: "silver" })
          .default("root")
          .describe("User that logs in on nodes; any but root needs sudo without a password."),
        proxy: hostName().exactOptional().describe("Host through which the nodes are reached. Default: none."),
      })
      .prefault({})
      .describe("How nodes are reached. The keys come from the SSH agent."),
    trust_proxies: list(network(), "a list of IP addresses and networks", "[10.0.0.0/8]")
      .default([])
      .describe(
        "Addresses and networks of the proxies in front of the nodes, e.g. of a balancer that speaks TLS. X-Forwarded-For and X-Forwarded-Proto are believed from these alone.",
      ),
    https,
    apt,
    defaults: z
      .strictObject({
        retain: count(1, 100).prefault(5).describe("Releases that a node keeps of each site, the live one included."),
        grace: duration("0s", "7d").prefault("10m").describe("Time that the previous release stays warm after a rollout."),
        processes: limits.processes.describe(
          "Daemon processes on each node, in place of the manifest's processes.count, where a site sets none.",
        ),
        memory: limits.memory.describe(
          "Memory that a process may allocate, in place of the manifest's processes.memory, where a site sets none.",
        ),
        body: limits.body.describe("Largest body of a request, in place of the manifest's limits.body, where a site sets none."),
        config: config().describe("Variables of os.environ for every site that sets none of the same name."),
      })
      .prefault({})
      .describe("What applies to all sites."),
    limits: z
      .strictObject({
        processes: limits.processes.describe("Most daemon processes of a site on each node. Default: no limit."),
        memory: limits.memory.describe("Most memory that a process, a worker or a job may allocate. Default: no limit."),
        body: limits.body.describe("Largest body of a request that any site may take. Default: no limit."),
        quota: size("16M", "1T")
          .exactOptional()
          .describe("Most that a service of a site may keep on its node's disk. Default: no limit."),
        service_memory: size("16M", "64G")
          .exactOptional()
          .describe("Most memory of a service that is held in memory. Default: no limit."),
      })
      .prefault({})
      .describe("The most that any site may have, whatever its manifest says."),
    nodes: map(name(), nodeSchema, "a map: name → node", "{web1: {local: true, os: ubuntu-24.04}}")
      .default({})
      .describe("The machines."),
    sites: map(name(), siteSchema, "a map: name → site", "{blog: {app: apps/blog, nodes: [web1]}}")
      .default({})
      .describe("Which app runs where."),
  })
  .describe(
    "One environment: its nodes, and which app runs where. Secrets are named here; their values are in Pulumi's configuration.",
  );

/** An environment as the schema yields it. */
export type EnvironmentTree = z.output<typeof environmentSchema>;
