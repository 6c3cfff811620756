import { chmod, mkdir, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import type { BundleEntry } from "../bundle/bundle.ts";
import { bundleListing, listingDigest } from "../bundle/listing.ts";
import { listTree } from "./list-tree.ts";

/** A directory of the cache, with its current listing. */
export interface CacheEntry {
  /** Absolute. */
  directory: string;
  paths: string[];
  listing: string;
  /** SHA-256 of the listing, in hex. */
  digest: string;
}

/** Where this program keeps what it can make again. Anything there may be deleted at any time. */
export const cacheDirectory = (): string => join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "silverlining");

/** Hours after which leftovers of a killed run are deleted. */
const leftoverHours = 6;

/**
 * A directory made once and kept. It gets its name once it is whole, with its listing beside it: one that changed since
 * is detected and made again. When two programs make it at once, one of the two stays.
 * @param name below the cache, e.g. `wheels/<key>`
 * @param make fills `tree/` in an empty directory; anything else it leaves there is deleted
 */
export async function cacheEntry(cache: string, name: string, make: (fresh: string) => Promise<void>): Promise<CacheEntry> {
  const place = join(cache, name);
  const kept = await read(place);
  if (kept !== undefined) return kept;
  await mkdir(dirname(place), { recursive: true });
  await sweep(place);
  const fresh = await mkdtemp(join(dirname(place), `.${basename(place)}.`));
  try {
    await make(fresh);
    await chmod(fresh, 0o755);
    await writeFile(join(fresh, "listing"), bundleListing({ entries: listTree(join(fresh, "tree")) }));
    for (const other of await readdir(fresh)) {
      if (other !== "tree" && other !== "listing") await rm(join(fresh, other), { recursive: true });
    }
    return await moveIn(fresh, place);
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** The entry, if it exists and is unchanged. */
async function read(place: string): Promise<CacheEntry | undefined> {
  const made = await readFile(join(place, "listing"), "utf8").catch(() => undefined);
  if (made === undefined) return undefined;
  const entries = tryList(join(place, "tree"));
  const listing = bundleListing({ entries });
  if (listing !== made || entries.length === 0) return undefined;
  return { directory: join(place, "tree"), paths: entries.map(({ path }) => path), listing, digest: listingDigest(listing) };
}

function tryList(tree: string): BundleEntry[] {
  try {
    return listTree(tree);
  } catch {
    return [];
  }
}

async function moveIn(fresh: string, place: string): Promise<CacheEntry> {
  for (let tries = 0; tries < 5; tries += 1) {
    try {
      await rename(fresh, place);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && (error.code === "ENOTEMPTY" || error.code === "EEXIST"))) throw error;
    }
    const entry = await read(place);
    if (entry !== undefined) return entry;
    // The existing one is broken: rename it first, so that nobody mistakes a half-deleted one for a whole one.
    const broken = await mkdtemp(join(dirname(place), `.${basename(place)}.`));
    await rename(place, join(broken, "broken")).catch(() => undefined);
    await rm(broken, { recursive: true, force: true });
  }
  throw new Error(`${place} keeps changing while it is read`);
}

/** Removes what killed runs left of an entry. */
async function sweep(place: string): Promise<void> {
  for (const name of await readdir(dirname(place))) {
    if (!name.startsWith(`.${basename(place)}.`)) continue;
    const left = join(dirname(place), name);
    const seen = await stat(left).catch(() => undefined);
    if (seen !== undefined && Date.now() - seen.mtimeMs > leftoverHours * 3_600_000)
      await rm(left, { recursive: true, force: true });
  }
}
