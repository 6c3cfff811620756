/** A directory of configuration that travels with a release, beside its bundle. */
export interface ConfigDirectory {
  /** Relative to the project's root, with forward slashes. */
  path: string;
  /** SHA-256 of the canonical listing of `entries`, in hex. */
  digest: string;
  /** Like a bundle's. */
  entries: BundleEntry[];
}

/** What an app team ships, frozen: same bytes, same id, on every machine, at any time. */
export interface Bundle {
  /** `<version>-<8 hex>`, or only the 8 hex when the manifest gives no version. */
  id: string;
  /** SHA-256 of the canonical listing of `entries`, in hex. */
  digest: string;
  /** Directory of the app, relative to the project's root, with forward slashes. */
  app: string;
  /** Sorted by the bytes of their paths. Directories are implied by their contents. */
  entries: BundleEntry[];
}

export type BundleEntry =
  | { path: string; type: "file"; executable: boolean; sha256: string; size: number }
  | { path: string; type: "link"; target: string };
