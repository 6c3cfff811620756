import { z } from "zod";
import type { Plan, SitePlan } from "../plan/plan.ts";
import type { Release } from "../render/rendered.ts";
import type { SiteServices } from "../services/service.ts";

const path = z.string().startsWith("/");

const renderedFile = z.strictObject({
  path: z.string().min(1),
  mode: z.string().regex(/^0[0-7]{3}$/),
  group: z.exactOptional(z.literal("site")),
  content: z.string(),
  after: z.exactOptional(z.enum(["daemon-reload", "nft-load", "varnish-restart", "top-vcl"])),
});

const pythonTarget = z.strictObject({
  python: z.string().regex(/^3\.[0-9]+(\.[0-9]+)?$/),
  platform: z.string().regex(/^[a-z0-9_-]+$/),
});

const release: z.ZodType<Release> = z.strictObject({
  id: z.string().min(1),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  site: z.string(),
  user: z.string(),
  bundle: z.strictObject({ id: z.string().min(1), digest: z.string().regex(/^[0-9a-f]{64}$/) }),
  version: z.exactOptional(z.string()),
  packages: z.array(z.string()),
  files: z.array(renderedFile),
  variables: z.record(z.string(), z.string()),
  secrets: z.record(z.string(), z.number().int()),
  configDirectory: z.exactOptional(
    z.strictObject({ path: z.string().min(1), digest: z.exactOptional(z.string().regex(/^[0-9a-f]{64}$/)) }),
  ),
  checker: z.exactOptional(z.string().min(1)),
  libraries: z.exactOptional(
    z.strictObject({ requirements: z.string().regex(/^[0-9a-f]{64}$/), targets: z.array(pythonTarget).min(1) }),
  ),
});

const serviceOf = { name: z.string(), packages: z.array(z.string()), user: z.string() };

const services: z.ZodType<SiteServices> = z.strictObject({
  setUp: z.array(
    z.discriminatedUnion("type", [
      z.strictObject({
        ...serviceOf,
        type: z.literal("postgres"),
        database: z.string(),
        owner: z.string(),
        connections: z.number().int().positive(),
      }),
      z.strictObject({ ...serviceOf, type: z.literal("files"), directory: path, bytes: z.number().int().positive() }),
    ]),
  ),
  variables: z.record(z.string(), z.string()),
});

/** One machine of the site, and how SSH reaches it. */
const rolloutNode = z.strictObject({
  name: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  /** Host name or IP address. What ssh would take for an option is refused. */
  address: z.string().regex(/^[A-Za-z0-9_:.[\]%][A-Za-z0-9_:.[\]%-]*$/),
  port: z.number().int().min(1).max(65535),
  /** Anyone but root must have sudo without a password there. */
  user: z.string().regex(/^[A-Za-z_][A-Za-z0-9_.-]*$/),
  /** `ssh-ed25519 AAAA…`: the only key that is accepted. */
  hostKey: z.string().regex(/^[a-z0-9@.-]+ [A-Za-z0-9+/=]+$/),
  /** Of a machine that Pulumi made: another one at this address is refused. */
  machineId: z.exactOptional(z.string()),
});
export type RolloutNode = z.infer<typeof rolloutNode>;

/**
 * One run of the protocol for one site, as `main.ts` reads it from stdin. Canonical JSON: no clock, no absolute path.
 * The bundle's files are not in it, nor are those of a configuration directory; they are read, and refused when they are not what
 * was planned.
 */
export const rollout = z.strictObject({
  site: z.string().regex(/^[a-z][a-z0-9-]{0,23}$/),
  release,
  /** Directory of the app, relative to the project's root. */
  app: z.string().min(1),
  /** Configuration directory that travels with the release, relative to the project's root; absent where none does. */
  configDirectory: z.exactOptional(z.string().min(1)),
  nodes: z.array(rolloutNode).min(1),
  ssh: z.strictObject({ proxy: z.exactOptional(z.string().regex(/^[A-Za-z0-9_.:@[\]][A-Za-z0-9_.:@[\]-]*$/)) }),
  check: z.strictObject({
    path,
    status: z.number().int(),
    body: z.exactOptional(z.string()),
    withinSeconds: z.number().positive(),
  }),
  /** Locations of the site; the check asks the first one. */
  routes: z.array(z.strictObject({ host: z.string().min(1), path })).min(1),
  /** Releases kept on a node, the live one included. */
  retain: z.number().int().min(1),
  /** Seconds the previous release stays warm after the flip. */
  graceSeconds: z.number().min(0),
  timeouts: z.strictObject({ startSeconds: z.number().positive(), drainSeconds: z.number().min(0) }),
  /** Values by variable: here and nowhere else. */
  secrets: z.record(z.string(), z.string()),
  /** Beside the release: its id does not follow from where they are. Absent where the site has none. */
  services: z.exactOptional(services),
  /** Name of the node → what its wheels must fit. Absent where the app lists no libraries. */
  wheels: z.exactOptional(z.record(z.string(), pythonTarget)),
});
export type Rollout = z.infer<typeof rollout>;

/**
 * The rollout of one site. Pure; canonical JSON of it is what `main.ts` reads.
 * @param nodes how the site's nodes are reached
 * @param secrets values by variable
 */
export function planRollout(
  ssh: Plan["ssh"],
  site: SitePlan,
  planned: Release,
  nodes: readonly RolloutNode[],
  secrets: Record<string, string>,
): Rollout {
  return {
    site: site.name,
    release: planned,
    app: site.app,
    ...(site.configDirectory?.of === "environment" ? { configDirectory: site.configDirectory.path } : {}),
    nodes: [...nodes],
    ssh: ssh.proxy === undefined ? {} : { proxy: ssh.proxy },
    check: site.check,
    routes: site.routes.map(({ host, path: below }) => ({ host, path: below })),
    retain: site.retain,
    graceSeconds: site.graceSeconds,
    timeouts: { startSeconds: site.timeouts.startSeconds, drainSeconds: site.timeouts.drainSeconds },
    secrets,
    ...(site.services === undefined ? {} : { services: site.services }),
    ...(site.libraries === undefined ? {} : { wheels: site.libraries.targets }),
  };
}

/** Where the check asks: Host header and path, below the site's first location. */
export function checkTarget(of: Rollout, node: RolloutNode): { host: string; path: string } {
  const [first] = of.routes;
  if (first === undefined) throw new Error("a rollout has at least one route");
  const host = first.host === "*" ? node.address : first.host.replace(/^\./, "");
  return { host, path: first.path === "/" ? of.check.path : `${first.path}${of.check.path}` };
}

/**
 * Reads what stdin carries.
 * @throws Error naming the fields that are wrong, and never a value: some are secret
 */
export function parseRollout(text: string): Rollout {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    throw new Error("stdin is not JSON: it carries one rollout, made by the program's site component");
  }
  const parsed = rollout.safeParse(data);
  if (parsed.success) return { ...parsed.data, nodes: parsed.data.nodes.toSorted((a, b) => (a.name < b.name ? -1 : 1)) };
  const fields = parsed.error.issues.map((issue) => `${issue.path.join(".") || "(all)"}: ${issue.code}`);
  throw new Error(`stdin carries no valid rollout: ${fields.join("; ")}`);
}
