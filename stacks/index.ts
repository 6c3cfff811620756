import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { renderIssues } from "../components/manifest/code-frame.ts";
import { loadPlan } from "../components/plan/load.ts";
import type { Route } from "../components/plan/plan.ts";
import { Node } from "../components/resources/node.ts";
import { missingSecrets, secretsOf } from "../components/resources/secrets.ts";
import { Site } from "../components/resources/site.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const stack = pulumi.getStack();

// Everything that can be wrong with what people wrote is found here, all of it at once, before anything is touched.
const { value: plan, issues } = loadPlan(root, stack);
const all = [...issues, ...(plan === undefined ? [] : missingSecrets(plan, stack))];
const warnings = all.filter((issue) => issue.severity === "warning");
if (warnings.length > 0) await pulumi.log.warn(renderIssues(warnings, read));
if (plan === undefined || warnings.length < all.length) throw new pulumi.RunError(renderIssues(all, read));

const nodes = new Map(plan.nodes.map((node) => [node.name, new Node(node.name, { plan, node })]));
const rolledOut = plan.sites.map((site) => ({
  site,
  release: new Site(site.name, { plan, site, nodes: site.nodes.map(nodeNamed), secrets: secretsOf(site) }).release,
}));

/** Each site's declared release and where it answers; what is live is only ever asked from the nodes: `silver status`. */
export const sites = Object.fromEntries(
  rolledOut.map(({ site, release }) => [
    site.name,
    { declared: release, nodes: site.nodes, urls: site.nodes.flatMap((name) => site.routes.map((route) => urlOf(route, name))) },
  ]),
);

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
  if (node === undefined) throw new Error(`the plan places a site on ${name} and does not hold that node`);
  return node;
}

/** A location that every host name reaches is shown by the node's address. */
function urlOf(route: Route, node: string): pulumi.Output<string> {
  return nodeNamed(node).connection.apply(({ address }) => `http://${route.host === "*" ? address : route.host}${route.path}`);
}
