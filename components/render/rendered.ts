import { z } from "zod";
import { unitRoles, type UnitRole } from "../platforms/platform.ts";
import { pythonTarget } from "../systems/python-target.ts";
import {
  absolutePath,
  anyText,
  bundleId,
  certificateHost,
  count,
  digest,
  innerPath,
  octalMode,
  ownUnitName,
  packageName,
  releaseId,
  serviceName,
  siteName,
  siteUser,
  unitName,
  variableName,
} from "../text/node-names.ts";

const renderedFile = z.strictObject({
  /** Absolute for a node's files; relative to the release's directory for a release's files. */
  path: z.string(),
  /** Octal, e.g. `"0644"`. The owner is always root; the group is the site's if `group` says so. */
  mode: octalMode,
  group: z.enum(["site"]).exactOptional(),
  content: anyText,
  /** What the agent does when this file's bytes changed; nothing when absent. */
  after: z.enum(["daemon-reload", "nft-load", "varnish-restart", "https-restart", "top-vcl"]).exactOptional(),
});
/** A file rendered for a node. In a release's files the agent fills in what only the node knows (see `placeholders`). */
export type RenderedFile = z.infer<typeof renderedFile>;

/**
 * Placeholders in a rendered release file, which the agent replaces at prepare:
 * the release's directory, its loopback address and port (bindings: in no id), its id (hashed over the files themselves), its VCL name, the
 * directory of the service writable_root and that of the socket of the service mysql, both in the current data generation.
 */
export const placeholders = ["@ROOT@", "@ADDRESS@", "@PORT@", "@RELEASE@", "@VCL@", "@WRITABLE@", "@MYSQL@"] as const;

/** The one that the agent leaves in units that it makes anew for each command: its directory, or its name. */
export const runPlaceholder = "@RUN@";

/** The state of one node, apart from its sites' releases: sent whole, applied by `converge`. */
export const nodeState = z.strictObject({
  node: anyText,
  os: anyText,
  /** apt packages that every site needs: installed, never upgraded or removed. */
  packages: z.array(packageName),
  /** Sites placed here: a user, a directory and a label each; a site no longer listed keeps its data. */
  sites: z.array(z.strictObject({ name: siteName, user: siteUser })),
  files: z.array(renderedFile.extend({ path: absolutePath })),
  /** What apt knows besides the distribution: source → its file in deb822, pins, and answers to debconf; absent: nothing. */
  apt: z.strictObject({ sources: z.record(siteName, anyText), pins: anyText, answers: anyText }).exactOptional(),
  /**
   * Who signs the certificates, and each site's hosts; sites that answer to every host alone have none of their own. Absent: the node
   * speaks no https.
   */
  https: z.strictObject({ authority: z.enum(["local"]), hosts: z.record(siteName, z.array(certificateHost)) }).exactOptional(),
  /** systemd units that must be enabled and running, and those that must be stopped and disabled. */
  units: z.strictObject({ running: z.array(unitName), stopped: z.array(unitName) }),
});
export type NodeState = z.infer<typeof nodeState>;

/** A systemd unit of a release; `siteUnit` and the release's id make its name. */
const releaseUnit = z.strictObject({
  role: z.enum(Object.keys(unitRoles) as [UnitRole, ...UnitRole[]]),
  /** Distinguishes units of one role; absent when there is only one. */
  name: ownUnitName.exactOptional(),
  /** Absent: a service. */
  kind: z.enum(["timer"]).exactOptional(),
  /** Relative to the release's directory. */
  file: innerPath,
  /** Beside the live release, while it is prepared; at the cut-over, when the previous release's unit ends; or by the timer of its name. */
  starts: z.enum(["prepare", "cut-over", "timer"]),
});
export type ReleaseUnit = z.infer<typeof releaseUnit>;

/** What one rollout sends to every node of a site: no secret value, no address. */
export const release = z.strictObject({
  /** `<bundle id>.<8 hex>`. */
  id: releaseId,
  /** SHA-256 in hex over the canonical rest of this record and the bundle's digest. */
  digest,
  site: siteName,
  user: siteUser,
  bundle: z.strictObject({ id: bundleId, digest }),
  version: anyText.exactOptional(),
  /** apt packages of this site. */
  packages: z.array(packageName),
  /** Packages that the app brings, by their paths inside it; absent when there are none. */
  debs: z.array(z.strictObject({ path: innerPath, digest })).exactOptional(),
  /** Relative to the release's directory: `conf/apache.conf`, `conf/site.vcl`, `conf/wsgi.py`, `conf/web.service` … */
  files: z.array(renderedFile.extend({ path: innerPath })),
  /** In the order in which they start; they stop in reverse. */
  units: z.array(releaseUnit),
  variables: z.record(variableName, anyText),
  secrets: z.record(variableName, count),
  /**
   * The directory in SILVER_APP_CONFIG, relative to the release's directory: `config`, with the digest of what is sent there, or a
   * directory of the app. Absent: there is none.
   */
  configDirectory: z.strictObject({ path: innerPath, digest: digest.exactOptional() }).exactOptional(),
  /** The program by which `conf/check.service` checks the configuration before the release starts; absent: no check. */
  checker: anyText.exactOptional(),
  /** What determines its wheels, on all its nodes; absent when the app lists no libraries. */
  libraries: z.strictObject({ requirements: digest, targets: z.array(pythonTarget) }).exactOptional(),
  /** Service → SHA-256 of what is said of it, of those that somebody else runs; absent when there are none. */
  external: z.record(serviceName, digest).exactOptional(),
});
export type Release = z.infer<typeof release>;
