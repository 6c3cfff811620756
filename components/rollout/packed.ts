import type { Args } from "../node/contract.ts";

/** A configuration directory with its current files, as `prepare` takes it, and the SHA-256 of its listing. */
export interface PackedConfig {
  digest: string;
  sent: NonNullable<Args<"prepare">["config"]>;
}

/** A directory with its current files, ready to be sent. */
export interface PackedTree {
  /** SHA-256 of the listing. */
  digest: string;
  listing: string;
  /** Absolute directory. */
  directory: string;
  /** Files and links, relative to the directory. */
  paths: string[];
}

/** The app. */
export interface PackedApp extends PackedTree {
  /** Absent when none travels with the release. */
  config?: PackedConfig;
}
