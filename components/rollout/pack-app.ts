import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ConfigDirectory } from "../bundle/bundle.ts";
import { bundleListing } from "../bundle/listing.ts";
import { packConfig } from "../bundle/pack-config.ts";
import { packBundle } from "../bundle/pack.ts";
import type { Parsed } from "../text/issue.ts";
import { Failure } from "./failure.ts";
import type { PackedApp, PackedConfig } from "./packed.ts";

/**
 * Reads an app's directory as it is now.
 * @param root the project's root, absolute
 * @param config the site's configuration directory, if one travels with the release
 * @throws Failure when one of them contains what can't be shipped: it did not when the release was planned
 */
export function packApp(root: string, app: string, config?: string): PackedApp {
  const bundle = packed(app, packBundle(root, app));
  return {
    ...(config === undefined ? {} : { config: packSent(root, packed(config, packConfig(root, config))) }),
    digest: bundle.digest,
    listing: bundleListing(bundle),
    directory: resolve(root, app),
    paths: bundle.entries.map((entry) => entry.path),
  };
}

function packSent(root: string, directory: ConfigDirectory): PackedConfig {
  const files = directory.entries.filter(({ type }) => type === "file").map(({ path }) => path);
  const contents = files.map((path) => [path, readFileSync(resolve(root, directory.path, path)).toString("base64")] as const);
  return { digest: directory.digest, sent: { listing: bundleListing(directory), files: Object.fromEntries(contents) } };
}

function packed<T>(directory: string, { value, issues }: Parsed<T>): T {
  if (value !== undefined) return value;
  const message = issues.map(({ place, message: text }) => `${place.file}: ${text}`).join("; ");
  const fix = "don't change files while pulumi runs";
  throw new Failure({ step: "pack", code: "changed", message: `${directory} can't be packed now: ${message}`, fix });
}
