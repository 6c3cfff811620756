import type { NodePlan, Plan } from "../plan/plan.ts";
import { siteUser } from "../plan/site-name.ts";
import { silverSupport } from "../platforms/python/silversupport.ts";
import { platforms } from "../platforms/registry.ts";
import { renderApt } from "./apt-files.ts";
import { renderNodeFirewall } from "./firewall.ts";
import {
  renderBootUnit,
  renderRetireDropIn,
  renderSitesSlice,
  renderSiteSliceDropIn,
  renderFirewallUnit,
  renderMeasureTimer,
  renderMeasureUnit,
  renderRecoverTimer,
  renderRecoverUnit,
  renderVarnishDropIn,
  renderVarnishSizes,
  renderWorkerDropIn,
} from "./node-units.ts";
import { portsScript, renderPortsUnit, renderReleasePorts } from "./release-ports.ts";
import type { NodeState, RenderedFile } from "./rendered.ts";
import { terminatorFiles, terminatorPackages, terminatorUnit } from "./terminator.ts";
import { renderTopVcl, renderUnavailableVcl } from "./top-vcl.ts";

/**
 * What every web node needs. apache2-bin is Apache without a service; iproute2 has ss, which counts connections;
 * media-types has the types of static files.
 */
const webPackages = [
  "apache2-bin",
  "ca-certificates",
  "iproute2",
  "libapache2-mod-wsgi-py3",
  "media-types",
  "nftables",
  "python3",
  "rsync",
  "varnish",
];

/** One node as it should be, apart from its sites' releases. */
export function renderNodeState(plan: Plan, node: NodePlan): NodeState {
  const web = node.roles.includes("web");
  return {
    node: node.name,
    os: node.os,
    packages: web
      ? [...webPackages, ...(node.https === undefined ? [] : terminatorPackages)].sort()
      : ["nftables", "python3", "rsync"],
    sites: node.sites.map((name) => ({ name, user: siteUser(name) })),
    files: [...firewallFiles(node), ...(web ? webFiles(node) : [])],
    ...(node.apt === undefined ? {} : { apt: renderApt(node.apt) }),
    ...(node.https === undefined ? {} : { https: { authority: node.https.authority, hosts: hostsOf(node) } }),
    units: {
      running: [
        "silver-nft.service",
        ...(web
          ? ["silver-ports.service", "silver-boot.service", "varnish.service", "silver-recover.timer", "silver-measure.timer"]
          : []),
        ...(node.https === undefined ? [] : [terminatorUnit]),
      ],
      // An app's packages may pull in the system's Apache, which would take port 80; varnishncsa writes a log that nobody rotates.
      stopped: web ? ["apache2.service", "varnishncsa.service", ...unwantedUnits(plan, node)] : [],
    },
  };
}

/** Each site's hosts, sorted: a location of every host has none. */
function hostsOf({ routes }: NodePlan): Record<string, string[]> {
  const named = Map.groupBy(
    routes.filter(({ host }) => host !== "*"),
    ({ site }) => site,
  );
  return Object.fromEntries([...named].map(([site, own]) => [site, [...new Set(own.map(({ host }) => host))].sort()]));
}

/** Unwanted units from the packages of the sites' platforms. */
function unwantedUnits({ sites, broken }: Plan, { name, os }: NodePlan): string[] {
  const here = [...sites, ...broken].filter((site) => site.nodes.includes(name)).flatMap(({ platform }) => platform ?? []);
  return [...new Set(here)].flatMap((platform) => platforms[platform].unwantedUnits(os));
}

function firewallFiles({ machine }: NodePlan): RenderedFile[] {
  const sshPort = machine.kind === "host" ? machine.port : 22;
  return [
    { path: "/etc/silver/nft.conf", mode: "0644", content: renderNodeFirewall(sshPort), after: "nft-load" },
    unit("silver-nft.service", renderFirewallUnit()),
  ];
}

function webFiles(node: NodePlan): RenderedFile[] {
  return [
    ...silverSupport(node.os).map(({ path, content }): RenderedFile => ({ path, mode: "0644", content })),
    { path: "/etc/silver/varnish/s503.vcl", mode: "0644", content: renderUnavailableVcl() },
    {
      path: "/etc/silver/varnish/top.vcl",
      mode: "0644",
      content: renderTopVcl(node),
      after: "top-vcl",
    },
    { path: "/etc/silver/varnish/storage", mode: "0644", content: renderVarnishSizes(), after: "varnish-restart" },
    { path: portsScript, mode: "0644", content: renderReleasePorts() },
    unit("silver-ports.service", renderPortsUnit()),
    unit("silver-boot.service", renderBootUnit()),
    unit("silver-recover.service", renderRecoverUnit()),
    unit("silver-recover.timer", renderRecoverTimer()),
    unit("silver-measure.service", renderMeasureUnit()),
    unit("silver-measure.timer", renderMeasureTimer()),
    unit("silver.slice", renderSitesSlice(node.memoryBytes)),
    unit("silver-.slice.d/silver.conf", renderSiteSliceDropIn()),
    unit("silver-retire-.service.d/silver.conf", renderRetireDropIn()),
    unit("silver-worker-@.service.d/silver.conf", renderWorkerDropIn(node.os)),
    {
      path: "/etc/systemd/system/varnish.service.d/silver.conf",
      mode: "0644",
      content: renderVarnishDropIn(node.https),
      after: "varnish-restart",
    },
    ...(node.https === undefined ? [] : terminatorFiles(node.https)),
  ];
}

function unit(name: string, content: string): RenderedFile {
  return { path: `/etc/systemd/system/${name}`, mode: "0644", content, after: "daemon-reload" };
}
