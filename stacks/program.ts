import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { renderIssues } from "../components/text/code-frame.ts";
import { whatStays } from "../components/plan/broken.ts";
import { loadPlan } from "../components/plan/load.ts";
import type { BrokenSite as Broken, Route, SitePlan } from "../components/plan/plan.ts";
import { BrokenSite } from "../components/resources/broken-site.ts";
import { Node } from "../components/resources/node.ts";
import { missingSecrets, secretsOf } from "../components/resources/secrets.ts";
import { Site } from "../components/resources/site.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const stack = pulumi.getStack();

// Everything that can be wrong with what people wrote is found here, all of it at once, before anything is touched.
const { value: plan, issues } = loadPlan(root, stack);
const missing = plan === undefined ? [] : missingSecrets(plan, stack);
// What is wrong with one site stops that site, unless there is no other.
if (plan === undefined || missing.length > 0 || (plan.sites.length === 0 && plan.broken.length > 0))
  throw new pulumi.RunError(renderIssues([...issues, ...missing], read));
const told = new Set(plan.broken.flatMap((site) => site.issues));
const warnings = issues.filter((issue) => !told.has(issue));
if (warnings.length > 0) await pulumi.log.warn(renderIssues(warnings, read));

const nodes = new Map(plan.nodes.map((node) => [node.name, new Node(node.name, { plan, node })]));
const rolledOut = plan.sites.map((site) => ({
  site,
  made: new Site(site.name, { plan, site, nodes: site.nodes.map(nodeNamed), secrets: secretsOf(site) }),
}));
const others = rolledOut.map(({ made }) => made);
for (const site of plan.broken)
  new BrokenSite(site.name, { site, told: `${renderIssues(site.issues, read)}\n\n${whatStays(plan, site)}`, others });

/** Each site's declared release (none: it is broken) and where it answers; what is live is only ever asked from the nodes: `silver status`. */
export const sites = Object.fromEntries([
  ...rolledOut.map(({ site, made }) => [site.name, { declared: made.release, ...placeOf(site) }] as const),
  ...plan.broken.map((site) => [site.name, placeOf(site)] as const),
]);

/** How each node is reached, for `silver`. */
export const reach = Object.fromEntries(
  [...nodes].map(([name, node]) => [
    name,
    node.connection.apply((to) => ({ ...to, ...(plan.ssh.proxy === undefined ? {} : { proxy: plan.ssh.proxy }) })),
  ]),
);

function read(file: string): string | undefined {
  try {
    return readFileSync(join(root, file), "utf8");
  } catch {
    return undefined;
  }
}

function nodeNamed(name: string): Node {
  const node = nodes.get(name);
  if (node === undefined) throw new Error(`the plan places a site on ${name}, which it does not have`);
  return node;
}

function placeOf({ nodes, routes }: SitePlan | Broken) {
  return { nodes, urls: nodes.flatMap((name) => routes.map((route) => urlOf(route, name))) };
}

/** A location that every host name reaches is shown by the node's address. */
function urlOf(route: Route, node: string): pulumi.Output<string> {
  return nodeNamed(node).connection.apply(({ address }) => `http://${route.host === "*" ? address : route.host}${route.path}`);
}
