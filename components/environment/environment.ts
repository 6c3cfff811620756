import type { Place } from "../text/issue.ts";
import type { SystemName } from "../systems/systems.ts";
import type { ExternalPlace } from "../services/external.ts";
import type { DeclaredMachine } from "./kinds/registry.ts";

/** One Pulumi stack as declared in `stacks/<name>.yaml`, with every default filled in. Plain data; secrets are names only. */
export interface Environment {
  name: string;
  /** Path of the file, relative to the project's root. */
  file: string;
  /** Keeps its nodes, what has data, and one bundle a version. Absent: it does not. */
  isProtected?: true;
  ssh: { user: string; proxy?: string };
  defaults: { retain: number; graceSeconds: number };
  /** Addresses and networks (`address/bits`) of the proxies in front of the nodes, sorted; absent: none. */
  trustProxies?: string[];
  /** How the web nodes speak https; absent: they do not. */
  https?: Https;
  /** What apt on the nodes knows besides the distribution. */
  apt: {
    sources: AptSource[];
    answers: string[];
    /** Sites whose apps may bring packages as files. */
    debs: string[];
  };
  /** Upper limits for any site. */
  limits: EnvironmentLimits;
  nodes: Record<string, EnvironmentNode>;
  sites: Record<string, EnvironmentSite>;
}

/** HTTPS on web nodes. */
export interface Https {
  /** Who signs the certificates. */
  authority: "local";
  /** Whether visitors who come by http are sent to https. */
  redirect: boolean;
  /** For how long browsers are to come by https alone; absent: they are not told. */
  hstsSeconds?: number;
}

/** A position in the environment's own file. */
export type Spot = Required<Pick<Place, "line" | "column">>;

export type Role = "web" | "service";

export interface EnvironmentNode {
  name: string;
  /** The node's machine: `local` boots one on this computer, `host` is any machine reached by SSH. */
  machine: DeclaredMachine;
  /** `<ID>-<VERSION_ID>` of /etc/os-release, e.g. `ubuntu-24.04`; the agent refuses when the node disagrees. */
  os: SystemName;
  roles: Role[];
  /** Memory that all its sites may take together; absent: no limit. */
  memoryBytes?: number;
  place: Spot;
}

export interface EnvironmentSite {
  name: string;
  /** Directory of the app, relative to the project's root. */
  app: string;
  /** Empty: the manifest's default location. */
  locations: string[];
  nodes: string[];
  /** Service name → node that runs it, or where somebody else does. */
  services: Record<string, string | { external: ExternalPlace }>;
  /** Values of the environment for all its sites, and over them those of the site. */
  config: Record<string, string | SecretVersion>;
  /** Configuration directory, relative to the project's root. */
  configDirectory?: string;
  /** Overrides the manifest: set by the site, or else by the environment for all its sites. */
  limits: Limits;
  /** Where each value was set, by its path below the site, e.g. `config.SIGNUPS` or `limits.processes`. */
  origins: Record<string, Place>;
  place: Spot;
}

/** An archive of packages besides the distribution's. */
export interface AptSource {
  name: string;
  uri: string;
  suites: string[];
  components: string[];
  /** The public key that signs it, armored. */
  key: string;
  /** Packages that come from it in place of the distribution's. */
  packages: string[];
  /** Absent: all. */
  nodes?: string[];
}

export interface Limits {
  /** Daemon processes on each node. */
  processes?: number;
  /** Memory that a process may allocate. */
  memoryBytes?: number;
  /** Largest body of a request. */
  bodyBytes?: number;
}

/** The most that any site of an environment may have, and any of its services. */
export interface EnvironmentLimits extends Limits {
  /** Disk that a service may fill. */
  quotaBytes?: number;
  /** Memory that a service may fill. */
  serviceMemoryBytes?: number;
}

/** A value encrypted in the stack's configuration: planning sees only its version. */
export interface SecretVersion {
  secret: number;
}
