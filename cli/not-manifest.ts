import { meantManifest } from "../components/manifest/read.ts";

/**
 * What to do about a file that is not a manifest.
 * @param name its name; one of a manifest under another name has an answer of its own
 */
export function notManifest(name: string, otherwise: string): string {
  const meant = meantManifest(name);
  return meant === undefined ? otherwise : `rename it to ${meant}`;
}
