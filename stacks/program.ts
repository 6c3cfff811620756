import { fileURLToPath } from "node:url";
import * as pulumi from "@pulumi/pulumi";
import { renderIssues } from "../components/text/code-frame.ts";
import { shownFrom } from "../components/text/files.ts";
import { whatStays } from "../components/plan/broken.ts";
import { loadPlan } from "../components/plan/load.ts";
import { urlText } from "../components/plan/location.ts";
import type { BrokenSite as Broken, Route, SitePlan } from "../components/plan/plan.ts";
import { BrokenSite } from "../components/resources/broken-site.ts";
import { lostData } from "../components/resources/deployed.ts";
import { ownClone } from "../components/machines/clone.ts";
import { tellMissingKey } from "../components/resources/missing-key.ts";
import { Node } from "../components/resources/node.ts";
import { servicesWithData } from "../components/services/registry.ts";
import { protect } from "../components/resources/protection.ts";
import { missingSecrets, secretsOf } from "../components/resources/secrets.ts";
import { Site } from "../components/resources/site.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const stack = pulumi.getStack();
const read = shownFrom(root);

// Everything that can be wrong with what people wrote is found here, all of it at once, before anything is touched.
const { value: plan, issues } = loadPlan(root, stack);
const refused = plan === undefined ? [] : [...missingSecrets(plan, stack), ...(await lostData(plan))];
// What is wrong with one site stops that site, unless there is no other.
if (plan === undefined || refused.length > 0 || (plan.sites.length === 0 && plan.broken.length > 0))
  throw new pulumi.RunError(renderIssues([...issues, ...refused], read));
const told = new Set(plan.broken.flatMap((site) => site.issues));
const warnings = issues.filter((issue) => !told.has(issue));
if (warnings.length > 0) await pulumi.log.warn(renderIssues(warnings, read));

if (plan.nodes.some(({ machine }) => machine.kind === "local")) await tellMissingKey(`${ownClone().keyFile}.pub`);

const isProtected = plan.isProtected === true;
const hasData = ({ services }: SitePlan): boolean => servicesWithData(services).length > 0;

// What the engine may not delete keeps `pulumi destroy` away, too.
const nodes = new Map(
  plan.nodes.map((node) => [node.name, new Node(node.name, { plan, node }, { protect: isProtected })] as const),
);
const rolledOut = plan.sites.map((site) => ({
  site,
  made: new Site(
    site.name,
    { plan, site, nodes: site.nodes.map(nodeNamed), secrets: secretsOf(site) },
    { protect: isProtected && hasData(site) },
  ),
}));
const others = rolledOut.map(({ made }) => made);
const broken = plan.broken.map(
  (site) => new BrokenSite(site.name, { site, told: `${renderIssues(site.issues, read)}\n\n${whatStays(plan, site)}`, others }),
);
if (isProtected) protect(stack, [...others, ...broken]);

/** Each site's declared release (none: it is broken), where it answers and where its workers and jobs run, if it has any; what is live is only ever asked from the nodes: `silver status`. */
export const sites = Object.fromEntries([
  ...rolledOut.map(({ site, made }) => [site.name, { declared: made.release, ...placeOf(site), ...worksOn(site) }] as const),
  ...plan.broken.map((site) => [site.name, placeOf(site)] as const),
]);

/** How each node is reached, and the id that says whether it is still this environment's, for `silver`. */
export const reach = Object.fromEntries(
  [...nodes].map(([name, { connection, owner }]) => [
    name,
    pulumi
      .all([connection, owner])
      .apply(([to, { id }]) => ({ ...to, owner: id, ...(plan.ssh.proxy === undefined ? {} : { proxy: plan.ssh.proxy }) })),
  ]),
);

function nodeNamed(name: string): Node {
  const node = nodes.get(name);
  if (node === undefined) throw new Error(`the plan places a site on ${name}, which it does not have`);
  return node;
}

function worksOn({ work }: SitePlan) {
  return work === undefined ? {} : { worksOn: work.on };
}

function placeOf(site: SitePlan | Broken) {
  return { nodes: site.nodes, urls: site.nodes.flatMap((name) => site.routes.map((route) => urlOf(route, name, site))) };
}

function urlOf(route: Route, node: string, site: SitePlan | Broken): pulumi.Output<string> {
  return nodeNamed(node).connection.apply(({ address }) => urlText(route, address, site.isHttps === true));
}
