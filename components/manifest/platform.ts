import type { Manifest } from "./manifest.ts";
import type { ManifestTree } from "./schema.ts";

/** What serves an app: what its manifest says, or else what its code is. */
export function platformOf(tree: Partial<Pick<ManifestTree, "platform" | "runner" | "php_root">>): Manifest["platform"] {
  if (tree.platform !== undefined) return tree.platform;
  return tree.php_root !== undefined || tree.runner?.endsWith(".php") === true ? "php" : "python";
}
