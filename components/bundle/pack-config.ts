import type { Parsed } from "../text/issue.ts";
import type { ConfigDirectory } from "./bundle.ts";
import { packTree } from "./pack.ts";

/** Largest configuration directory: it travels in the request that prepares a release. */
const most = { files: 500, bytes: 1024 ** 2 };

/**
 * Reads a configuration directory, by the rules of a bundle.
 *
 * @param root The project's root, absolute.
 * @param directory Relative to `root`, with forward slashes.
 */
export function packConfig(root: string, directory: string): Parsed<ConfigDirectory> {
  const { value: tree, issues } = packTree(root, directory, "directory");
  if (tree === undefined) return { issues };
  const bytes = tree.entries.reduce((sum, entry) => sum + (entry.type === "file" ? entry.size : 0), 0);
  const [code, message, fix] =
    tree.entries.length === 0
      ? // Git does not track empty directories: it would be missing on another machine.
        (["missing-file", "the directory is empty", "put a file into it, or delete config_dir"] as const)
      : tree.entries.length > most.files || bytes > most.bytes
        ? ([
            "too-large",
            `the directory has ${tree.entries.length} files of ${bytes} bytes, but at most ${most.files} files of ${most.bytes} bytes travel with a release`,
            "keep data in files of the app, or in a service",
          ] as const)
        : [];
  if (code === undefined) return { value: { path: directory, ...tree }, issues };
  return { issues: [{ code, severity: "error", place: { file: directory }, message, fix }] };
}
