import { z } from "zod";
import { unitRoles } from "../platforms/platform.ts";
import { pythonTarget } from "../systems/python-target.ts";
import {
  absolutePath,
  anyText,
  bundleId,
  count,
  digest,
  innerPath,
  octalMode,
  ownUnitName,
  packageName,
  releaseId,
  siteName,
  siteUser,
  unitName,
  variableName,
} from "../text/node-names.ts";

const renderedFile = z.strictObject({
  /** Absolute for a node's files; relative to the release's directory for a release's files. */
  path: z.string(),
  /** Octal, e.g. `"0644"`. Owner is always root; the group is the site's where `group` says so. */
  mode: octalMode,
  group: z.enum(["site"]).exactOptional(),
  content: anyText,
  /** What the agent does when this file's bytes changed; nothing when absent. */
  after: z.enum(["daemon-reload", "nft-load", "varnish-restart", "top-vcl"]).exactOptional(),
});
/** A file made for a node. In a release's files the agent fills in what only the node knows (see `placeholders`). */
export type RenderedFile = z.infer<typeof renderedFile>;

/**
 * What a rendered release file may contain, and the agent replaces at prepare:
 * the release's directory, its loopback address and port (bindings: in no id), its id (hashed over the files themselves), its VCL name.
 */
export const placeholders = ["@ROOT@", "@ADDRESS@", "@PORT@", "@RELEASE@", "@VCL@"] as const;

/** What one node is, apart from the releases of its sites: sent whole, made true by `converge`. */
export const nodeState = z.strictObject({
  node: anyText,
  os: anyText,
  /** apt packages every site needs: installed, never upgraded or removed. */
  packages: z.array(packageName),
  /** Sites placed here: a user, a directory and a label each; a site no longer listed keeps its data. */
  sites: z.array(z.strictObject({ name: siteName, user: siteUser })),
  files: z.array(renderedFile.extend({ path: absolutePath })),
  /** systemd units that must be enabled and running, and those that must be stopped and disabled. */
  units: z.strictObject({ running: z.array(unitName), stopped: z.array(unitName) }),
});
export type NodeState = z.infer<typeof nodeState>;

/** A systemd unit of a release; `siteUnit` and the release's id make its name. */
const releaseUnit = z.strictObject({
  role: z.enum(unitRoles),
  /** Tells the units of one role apart; absent where there is one. */
  name: ownUnitName.exactOptional(),
  /** Relative to the release's directory. */
  file: innerPath,
  /** Beside the live release, while it is prepared; or once the release serves for good, when that of the release before it ends. */
  starts: z.enum(["prepare", "cut-over"]),
});
export type ReleaseUnit = z.infer<typeof releaseUnit>;

/** What one rollout brings to every node of a site: no secret value, no address. */
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
  /** Relative to the release's directory: `conf/apache.conf`, `conf/site.vcl`, `conf/wsgi.py`, `conf/web.service` … */
  files: z.array(renderedFile.extend({ path: innerPath })),
  /** In the order in which they start; they end the other way round. */
  units: z.array(releaseUnit),
  variables: z.record(variableName, anyText),
  secrets: z.record(variableName, count),
  /**
   * What SILVER_APP_CONFIG names, relative to the release's directory: `config`, with the digest of what is sent there, or a
   * directory of the app. Absent: there is none.
   */
  configDirectory: z.strictObject({ path: innerPath, digest: digest.exactOptional() }).exactOptional(),
  /** What looks at the configuration by `conf/check.service` before the release starts; absent: nothing does. */
  checker: anyText.exactOptional(),
  /** What its wheels follow from, over all its nodes; absent where the app lists no libraries. */
  libraries: z.strictObject({ requirements: digest, targets: z.array(pythonTarget) }).exactOptional(),
});
export type Release = z.infer<typeof release>;
