import { hash } from "node:crypto";
import type { Bundle, BundleEntry } from "./bundle.ts";

/**
 * The canonical listing of a bundle: one JSON array per line, sorted by the bytes of the paths, each line ended by a newline.
 * `["path","file",executable,"sha256"]` or `["path","link","target"]`. The agent makes the same text from what it received.
 */
export function bundleListing(bundle: Pick<Bundle, "entries">): string {
  return bundle.entries.map((entry) => `${JSON.stringify(listed(entry))}\n`).join("");
}

/** SHA-256 of the listing, in hex: the bundle's digest. */
export function listingDigest(listing: string): string {
  return hash("sha256", listing);
}

function listed(entry: BundleEntry): unknown[] {
  return entry.type === "file" ? [entry.path, "file", entry.executable, entry.sha256] : [entry.path, "link", entry.target];
}
