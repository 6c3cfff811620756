import type { z } from "zod";

/** What a service of a site is made from. */
export interface ServiceUse {
  /** What the manifest says of it, as it is written there. */
  options: Record<string, string>;
  /** Requests that the site serves at once. */
  requests: number;
}

/** One type of service: a file each, in registry.ts by its name. Its twin on the node is `agent/silver/services/<type>.py`. */
export interface ServiceType<Told extends Record<string, number> = Record<string, number>> {
  /** What it is, in a few words, for the reference. */
  summary: string;
  /** What a manifest can say of it → field, described as the end of a sentence. Values stay texts, which `tell` parses. */
  options: Record<string, z.ZodType<string>>;
  /** Whether it keeps data that a migration can change. */
  keepsData: boolean;
  /** Its name in Silver Lining, where that differs. */
  oldName?: string;
  /** apt packages of the node that holds it. */
  packages: readonly string[];
  /** Platform → apt package by which it speaks with the service; a platform that needs none is absent. */
  clientPackages?: Readonly<Record<string, string>>;
  /** What the node gets of it: plain numbers, already judged. */
  told: z.ZodType<Told>;
  tell: (use: ServiceUse) => Told;
  /** Its names in the variables of 2010: `PG` makes CONFIG_PG_HOST. */
  prefix: string;
  /**
   * What the app must know, by the end of the variable's name: `HOST`, or empty for the prefix alone. Every type has a `URL`. Names and
   * places are chosen by the node: it fills in what is `@SOCKET@` here.
   */
  variables: Readonly<Record<string, string>>;
  /** Whether the app itself writes below the site's directory `data`. */
  writesData: boolean;
  /** Why a site can't have one; undefined where it can. */
  refuse?: (site: string) => { message: string; fix: string } | undefined;
  /** What of it a reviewer reads. */
  shown(told: Told): string;
}

/** What a node needs in order to set a service up. */
export interface SetUp {
  type: string;
  /** Key under which the manifest asks for it. */
  name: string;
  /** apt packages, installed in the site's rollout. */
  packages: string[];
  options: Record<string, number>;
  /** Variables of os.environ, with placeholders that the node fills in. */
  variables: Record<string, string>;
}
