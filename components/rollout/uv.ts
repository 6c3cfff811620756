import { readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { cacheEntry } from "./cache.ts";
import { Failure } from "./failure.ts";
import { run } from "./run.ts";

/** Version and hashes of uv, as pip reads them. */
const pinned = new URL("uv.txt", import.meta.url);

/**
 * The one uv that makes wheel sets, installed by pip when first needed: pip knows how its user reaches the index, and checks the hash.
 * @returns path of the program
 * @throws Failure `library` that says what is missing
 */
export async function ensureUv(cache: string, signal: AbortSignal): Promise<string> {
  const version = /^uv==(\S+)/m.exec(readFileSync(pinned, "utf8"))?.[1] ?? "";
  const { directory } = await cacheEntry(cache, `uv-${version}`, async (fresh) => {
    const words = ["python3", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"];
    const options = ["--only-binary", ":all:", "--require-hashes", "--target", join(fresh, "all"), "-r", pinned.pathname];
    const { code, stderr } = await run([...words, ...options], { directory: fresh, environment: process.env, signal });
    if (signal.aborted) throw new Failure({ step: "libraries", code: "stopped", message: "stopped before uv was installed" });
    if (code !== 0) throw withoutUv(version, stderr);
    await cp(join(fresh, "all/bin/uv"), join(fresh, "tree/uv"));
  });
  return join(directory, "uv");
}

function withoutUv(version: string, stderr: string): Failure {
  const what = `could not install uv ${version}, which gets an app's libraries`;
  const said = /No module named pip|ENOENT/.test(stderr)
    ? { message: `${what}: there is no python3 with pip here`, fix: "install python3-pip on the machine that deploys" }
    : /No matching distribution|HASHES|hash/i.test(stderr)
      ? { message: `${what}: the package index has no such file`, fix: "provide uv, unaltered, in the package index" }
      : { message: `${what}: pip failed`, fix: "check that pip reaches its package index: python3 -m pip download uv" };
  return new Failure({ step: "libraries", code: "library", ...said });
}
