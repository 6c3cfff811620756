import { createHash } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { cacheDirectory } from "../rollout/cache.ts";
import type { SystemName } from "../systems/systems.ts";
import { buildImage, reachArchive } from "./build-image.ts";
import { imageName, imageRecipe } from "./image-recipe.ts";
import { withLock } from "./lock.ts";
import { MachineError } from "./machine-error.ts";
import { removeTree } from "./node-disk.ts";
import { checkDisk } from "./preflight.ts";
import { prepareImage } from "./prepared-image.ts";
import { secondsSince } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { mustRun } from "./run-command.ts";

/** Where images are kept, for every checkout of this user. */
export function imagesDirectory(): string {
  return join(cacheDirectory(), "images");
}

/** Disk space to build an image: packages, root file system and archive. Measured: 0.8 GB, with a database 1.3 GB. */
const buildMegabytes = 1500;

/**
 * The tar archive of an operating system's root file system: built when the cache has none, or a damaged one.
 * `prepared` packages are installed in it, with their services disabled: for tests that can't wait for apt.
 */
export async function ensureImage(os: SystemName, prepared: readonly string[], progress: Progress): Promise<string> {
  const architecture = await ownArchitecture();
  const recipe = imageRecipe(os, architecture);
  const name = imageName(recipe, architecture, prepared);
  const archive = join(imagesDirectory(), `${name}.tar`);
  const title = `Node image ${os}${prepared.length > 0 ? ` with ${prepared.join(" ")}` : ""}`;
  return withLock(join(imagesDirectory(), `${name}.lock`), 1800, async () => {
    const started = Date.now();
    const expected = await readFile(`${archive}.sha256`, "utf8").catch(() => undefined);
    const found = await digestOf(archive);
    if (found !== undefined && found === expected) {
      progress(`✓ ${title} · cached`);
      return archive;
    }
    if (found !== undefined) progress(`  ${archive} changed since it was built: building it again`);
    await checkDisk(imagesDirectory(), buildMegabytes, title);
    progress(`  … ${title}: a minute or two, once`);
    const workDirectory = `${archive}.building`;
    await removeTree(workDirectory);
    await mkdir(workDirectory, { recursive: true });
    try {
      const partial = join(workDirectory, "image.tar");
      if (prepared.length === 0) await buildImage(recipe, architecture, workDirectory, partial, progress);
      else await prepareImage(await ensureImage(os, [], progress), prepared, workDirectory, partial, progress);
      await writeFile(`${archive}.sha256`, (await digestOf(partial)) ?? "");
      await rename(partial, archive);
    } finally {
      await removeTree(workDirectory);
    }
    progress(`✓ ${title} ${secondsSince(started)}`);
    return archive;
  });
}

/** Why no node of a system can be made here; undefined when its image is cached or its archive reachable. */
export async function imageObstacle(os: SystemName): Promise<MachineError | undefined> {
  const architecture = await ownArchitecture();
  const recipe = imageRecipe(os, architecture);
  if (existsSync(join(imagesDirectory(), `${imageName(recipe, architecture)}.tar`))) return undefined;
  const directory = await mkdtemp(join(tmpdir(), "silver-archive-"));
  try {
    await reachArchive(recipe, directory);
    return undefined;
  } catch (error) {
    if (error instanceof MachineError) return error;
    throw error;
  } finally {
    await removeTree(directory);
  }
}

/** This computer's architecture, as Debian names it. */
async function ownArchitecture(): Promise<string> {
  return (await mustRun("asking for the architecture", ["dpkg", "--print-architecture"])).trim();
}

/** SHA-256 in hex; undefined when there is no such file. */
async function digestOf(file: string): Promise<string | undefined> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file, { highWaterMark: 1 << 20 }), hash);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return hash.digest("hex");
}
