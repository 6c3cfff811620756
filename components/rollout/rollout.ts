import { z } from "zod";
import { owner, type Args } from "../node/contract.ts";
import type { Plan, SitePlan } from "../plan/plan.ts";
import { pythonTarget, type PythonTarget } from "../systems/python-target.ts";
import { renderRelease } from "../render/release.ts";
import type { Release } from "../render/rendered.ts";
import type { SetUp } from "../services/service.ts";

const path = z.string().startsWith("/");

/** The agent checks the rest, down to the last key. */
const services = z.array(z.looseObject({ type: z.string(), name: z.string() }));

/** One machine of the site, and how SSH reaches it. */
const rolloutNode = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  /** Host name or IP address. Refuses anything that ssh would read as an option. */
  address: z.string().regex(/^[A-Za-z0-9_:.[\]%][A-Za-z0-9_:.[\]%-]*$/),
  port: z.number().int().min(1).max(65535),
  /** Users other than root need passwordless sudo there. */
  user: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/),
  /** `ssh-ed25519 AAAA…`: the only key accepted. */
  hostKey: z.string().regex(/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$/),
  /** Of a machine that Pulumi made: refuses any other at this address. */
  machineId: z.exactOptional(z.string()),
  /** The environment that has it; absent from what an older version planned. */
  owner: z.exactOptional(owner),
});
export type RolloutNode = z.infer<typeof rolloutNode>;

/** A node's roles for the site: it serves it, holds its services, runs its workers. Today each machine does the first two. */
const placedNode = rolloutNode.extend({ roles: z.array(z.enum(["web", "service", "work"])).min(1) });
export type PlacedNode = z.infer<typeof placedNode>;

/**
 * The part of a site's plan that a rollout itself reads. The rest goes into the release, whose id must be the declared one.
 * Loose, so that a site can still be removed whose plan an older version wrote.
 */
const sitePlan = z
  .looseObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,23}$/),
    app: z.string().min(1),
    configDirectory: z.exactOptional(z.looseObject({ of: z.enum(["environment", "app"]), path: z.string().min(1) })),
    check: z.looseObject({
      path,
      status: z.exactOptional(z.number().int()),
      https: z.exactOptional(z.literal(true)),
      body: z.exactOptional(z.string()),
      withinSeconds: z.number().positive(),
    }),
    routes: z.array(z.looseObject({ host: z.string().min(1), path })).min(1),
    retain: z.number().int().min(1),
    graceSeconds: z.number().min(0),
    timeouts: z.looseObject({ startSeconds: z.number().positive(), drainSeconds: z.number().min(0) }),
    services: z.exactOptional(services),
    libraries: z.exactOptional(z.looseObject({ targets: z.record(z.string(), pythonTarget) })),
  })
  .transform((site) => site as unknown as SitePlan);

/**
 * What `main.ts` reads from stdin, as canonical JSON: no clock, no absolute path. It carries the plan and not what is rendered from
 * it, which is ten times as long: in each run Pulumi stores, sends and logs a command's stdin a dozen times.
 */
const request = z.strictObject({
  /** Id of the declared release. */
  release: z.string().min(1),
  site: sitePlan,
  nodes: z.array(placedNode).min(1),
  ssh: z.strictObject({ proxy: z.exactOptional(z.string().regex(/^[A-Za-z0-9_.:@[\]][A-Za-z0-9_.:@[\]-]*$/)) }),
  /** Values by variable: only here. */
  secrets: z.record(z.string(), z.string()),
});
export type RolloutRequest = z.infer<typeof request>;

/**
 * One run of the protocol for one site. Excludes the files of the bundle and of a configuration directory: they are read later,
 * and refused when they differ from the plan.
 */
export interface Rollout {
  site: string;
  /** Id of the release that Pulumi declared. */
  declared: string;
  readonly release: Release;
  /** Directory of the app, relative to the project's root. */
  app: string;
  /** Configuration directory that travels with the release, relative to the project's root; absent when none does. */
  configDirectory?: string;
  /** Sorted by name. */
  nodes: PlacedNode[];
  ssh: { proxy?: string };
  check: Pick<SitePlan["check"], "path" | "status" | "https" | "body" | "withinSeconds">;
  /** Locations of the site; the check asks each of them. */
  routes: Pick<SitePlan["routes"][number], "host" | "path">[];
  isHttps?: true;
  /** Releases kept on a node, the live one included. */
  retain: number;
  /** Seconds the previous release stays warm after the flip. */
  graceSeconds: number;
  timeouts: Pick<SitePlan["timeouts"], "startSeconds" | "drainSeconds">;
  /** Values by variable. */
  secrets: Record<string, string>;
  /** Beside the release: where they are does not affect its id. Absent when the site has none. */
  services?: SetUp[];
  /** Name of the node → what its wheels must fit. Absent when the app lists no libraries. */
  wheels?: Record<string, PythonTarget>;
}

/**
 * The request that rolls a site out. Pure.
 * @param release id of what is rendered from the site
 * @param nodes how the site's nodes are reached
 * @param secrets values by variable
 */
export function requestRollout(
  ssh: Plan["ssh"],
  site: SitePlan,
  release: string,
  nodes: readonly RolloutNode[],
  secrets: Record<string, string>,
): RolloutRequest {
  const { bundle, configDirectory } = site;
  // Packing lists the files again.
  const listed = configDirectory?.of === "environment" ? { configDirectory: { ...configDirectory, entries: [] } } : {};
  return {
    release,
    site: { ...site, bundle: { ...bundle, entries: [] }, ...listed },
    nodes: nodes.map((node) => ({ ...node, roles: rolesOf(site, node.name) })),
    ssh: ssh.proxy === undefined ? {} : { proxy: ssh.proxy },
    secrets,
  };
}

function rolesOf({ services, work }: SitePlan, node: string): PlacedNode["roles"] {
  return ["web", ...(services === undefined ? [] : ["service" as const]), ...(work?.on === node ? ["work" as const] : [])];
}

/** The rollout of a request. Its release is rendered on first read, as the program did: a removal never reads it. */
export function planRollout({ release, site, nodes, ssh, secrets }: RolloutRequest): Rollout {
  let rendered: Release | undefined;
  return {
    site: site.name,
    declared: release,
    get release() {
      return (rendered ??= renderRelease(site));
    },
    app: site.app,
    ...(site.configDirectory?.of === "environment" ? { configDirectory: site.configDirectory.path } : {}),
    nodes: nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ssh,
    check: site.check,
    routes: site.routes,
    ...(site.isHttps === undefined ? {} : { isHttps: site.isHttps }),
    retain: site.retain,
    graceSeconds: site.graceSeconds,
    timeouts: site.timeouts,
    secrets,
    ...(site.services === undefined ? {} : { services: site.services }),
    ...(site.libraries === undefined ? {} : { wheels: site.libraries.targets }),
  };
}

/** Where the check asks: Host header and path, below each of the site's locations. */
export function checkTargets({ routes, check }: Pick<Rollout, "routes" | "check">, node: RolloutNode): CheckTarget[] {
  return routes.map(({ host, path }) => ({
    host: host === "*" ? node.address : host.replace(/^\./, ""),
    path: path === "/" ? check.path : `${path}${check.path}`,
  }));
}

type CheckTarget = Args<"check">["targets"][number];

/**
 * Reads what stdin carries.
 * @throws Error that names the wrong fields, but no value: some are secret
 */
export function parseRequest(text: string): RolloutRequest {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("stdin is not JSON: it carries one rollout, made by the program's site component");
  }
  const parsed = request.safeParse(data);
  if (parsed.success) return parsed.data;
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(all)"}: ${issue.code}`);
  throw new Error(`stdin carries no valid rollout: ${fields.join("; ")}`);
}
