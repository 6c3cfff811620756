import { resolve } from "node:path";
import { bundleListing } from "../bundle/listing.ts";
import { packBundle } from "../bundle/pack.ts";
import { Failure } from "./failure.ts";
import type { PackedApp } from "./tools.ts";

/**
 * Reads an app's directory as it is now.
 * @param root the project's root, absolute
 * @throws Failure when it holds what can't be shipped: it did not when the release was planned
 */
export function packApp(root: string, app: string): PackedApp {
  const { value: bundle, issues } = packBundle(root, app);
  if (bundle === undefined) {
    const message = issues.map(({ place, message: text }) => `${place.file}: ${text}`).join("; ");
    const fix = "leave the files alone while pulumi runs";
    throw new Failure({ step: "pack", code: "changed", message: `${app} can't be packed any more: ${message}`, fix });
  }
  return {
    digest: bundle.digest,
    listing: bundleListing(bundle),
    directory: resolve(root, app),
    paths: bundle.entries.map((entry) => entry.path),
  };
}
