import type { z } from "zod";

/** The input for a service of a site. */
export interface ServiceUse {
  /** Its options in the manifest, as written there. */
  options: Record<string, string>;
  /** Requests the site serves at once. */
  requests: number;
  /** Programs that may work for it at once besides: workers and runs of jobs. */
  programs: number;
}

/** One type of service: one file each, in registry.ts by its name. Its counterpart on the node is `agent/silver/services/<type>.py`. */
export interface ServiceType<Told extends Record<string, number | string> = Record<string, number | string>> {
  /** What it is, in a few words, for the reference. */
  summary: string;
  /** Its options in a manifest → field, described as the end of a sentence. Values stay texts, which `tell` parses. */
  options: Record<string, z.ZodType<string>>;
  /** Whether it keeps data that a migration can change, and a removal would lose; or whether one does that is shown as `shown`. */
  keepsData: boolean | ((shown: string) => boolean);
  /**
   * What it may delete of the data that it keeps, as the end of a sentence, when it changes from being shown as one to the other.
   * Undefined: nothing. Default: it never does.
   */
  deletes?(before: string, after: string): string | undefined;
  /** Its name in Silver Lining, if different. */
  oldName?: string;
  /** apt packages of the node that holds it. */
  packages: readonly string[];
  /** Platform → apt package with which it talks to the service; absent for a platform that needs none. */
  clientPackages?: Readonly<Record<string, string>>;
  /** What the node receives: plain numbers and words, already validated. */
  told: z.ZodType<Told>;
  tell: (use: ServiceUse) => Told;
  /** Its names in the variables of 2010: `PG` makes CONFIG_PG_HOST. */
  prefix: string;
  /**
   * What the app must know, by the end of the variable's name: `HOST`, or empty for the prefix alone. Every type has a `URL`. The node
   * chooses names and paths: it fills in placeholders such as `@SOCKET@`.
   */
  variables: Readonly<Record<string, string>>;
  /** Those that are different where the option `tcp` is on, for an app that can't take a socket's path. Absent: there is no such option. */
  overTcp?: Readonly<Record<string, string>>;
  /** Disk of its node that it may fill with what it keeps, in bytes; absent: it keeps nothing. */
  disk?(told: Told): number;
  /** Memory that it fills, in bytes, of what a node has for its sites; absent: it holds its data on disk. */
  memory?(told: Told): number;
  /**
   * Where clients look for a server on their own machine, by themselves: there a site's units have the directory of its own server, which
   * the node fills in for the placeholder. Absent: they look nowhere.
   */
  socketDirectory?: { placeholder: string; path: string };
  /** Whether the app itself writes below the site's directory `data`. */
  writesData: boolean;
  /** Why a site can't have one; undefined when it can. */
  refuse?: (site: string) => { message: string; fix: string } | undefined;
  /** What a reviewer sees of it. */
  shown(told: Told): string;
  /** How an app finds it where somebody else runs it; absent: nobody else can. */
  external?: External;
  /** Where it is, of a type that no node runs: only where somebody else does, or it is another site. */
  elsewhere?: "external" | "site";
}

/** How a type of service is found where somebody else runs it: one part of the type's own file. */
export interface External {
  /** Schemes that its URL may begin with; the first is the one that apps get. */
  schemes: readonly [string, ...string[]];
  /** The same with TLS. Default: the scheme tells nothing of TLS. */
  tlsScheme?: string;
  /** Port where the environment names none, and with TLS where that is another. */
  port: number;
  tlsPort?: number;
  /** What stands before `name` in the path of its URL. Default: `/`. */
  prefix?: string;
  /** What its place may say besides host and port. */
  takes: readonly ("name" | "user" | "password" | "tls")[];
  /** What its place must say where it has no URL. */
  needs: readonly ("name" | "user")[];
  /** Its name where the place says none. Default: it has none. */
  defaultName?: string;
  /** The form of its name, and what completes "it must be …". Default: any. */
  nameForm?: { pattern: RegExp; must: string };
  /** What the query of its URL has where it says nothing else. Default: nothing. */
  query?: string;
  /** What tells drivers to check its certificate, in the query of its URL; `@CA@` is the file of the authority. Default: nothing. */
  tlsQuery?: string;
  /** Variables by their whole names that do so for drivers that are given host and port. Default: none. */
  tlsVariables?: Readonly<Record<string, string>>;
  /**
   * As `variables` of the type, with each of its names: placeholders are `@URL@`, `@HOST@`, `@PORT@`, `@SERVER@` (both), `@NAME@`,
   * `@USER@`, `@PASSWORD@` and `@CA@`. The node fills them in.
   */
  variables: Readonly<Record<string, string>>;
}

/** What a node needs in order to set a service up. */
export interface SetUp {
  type: string;
  /** Its key in the manifest. */
  name: string;
  /** apt packages, installed in the site's rollout. */
  packages: string[];
  options: Record<string, number | string>;
  /** Variables of os.environ, with placeholders that the node fills in. */
  variables: Record<string, string>;
}
