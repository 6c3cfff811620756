import type { PythonTarget } from "../plan/libraries.ts";

/** A file made for a node. In a release's files the agent fills in what only the node knows (see `placeholders`). */
export interface RenderedFile {
  /** Absolute for a node's files; relative to the release's directory for a release's files. */
  path: string;
  /** Octal, e.g. `"0644"`. Owner is always root; the group is the site's where `group` says so. */
  mode: string;
  group?: "site";
  content: string;
  /** What the agent does when this file's bytes changed; nothing when absent. */
  after?: "daemon-reload" | "nft-load" | "varnish-restart" | "top-vcl";
}

/**
 * What a rendered release file may contain, and the agent replaces at prepare:
 * the release's directory, its loopback address and port (bindings: in no id), its id (hashed over the files themselves), its VCL name,
 * the directory of the site's data generation.
 */
export const placeholders = ["@ROOT@", "@ADDRESS@", "@PORT@", "@RELEASE@", "@VCL@", "@DATA@"] as const;

/** What one node is, apart from the releases of its sites: sent whole, made true by `converge`. */
export interface NodeState {
  node: string;
  os: string;
  /** apt packages every site needs: installed, never upgraded or removed. */
  packages: string[];
  /** Sites placed here: a user, a directory and a label each; a site no longer listed keeps its data. */
  sites: { name: string; user: string }[];
  files: RenderedFile[];
  /** systemd units that must be enabled and running, and those that must be stopped and disabled. */
  units: { running: string[]; stopped: string[] };
}

/** What one rollout brings to every node of a site: no secret value, no address. */
export interface Release {
  /** `<bundle id>.<8 hex>`. */
  id: string;
  /** SHA-256 in hex over the canonical rest of this record and the bundle's digest. */
  digest: string;
  site: string;
  user: string;
  bundle: { id: string; digest: string };
  version?: string;
  /** apt packages of this site. */
  packages: string[];
  /** Relative to the release's directory: `conf/apache.conf`, `conf/site.vcl`, `conf/wsgi.py`, `conf/unit.service` … */
  files: RenderedFile[];
  variables: Record<string, string>;
  secrets: Record<string, number>;
  /**
   * What SILVER_APP_CONFIG names, relative to the release's directory: `config`, with the digest of what is sent there, or a
   * directory of the app. Absent: there is none.
   */
  configDirectory?: { path: string; digest?: string };
  /** What looks at the configuration by `conf/check.service` before the release starts; absent: nothing does. */
  checker?: string;
  /** What its wheels follow from, over all its nodes; absent where the app lists no libraries. */
  libraries?: { requirements: string; targets: PythonTarget[] };
}
