import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { platforms, type PlatformName } from "../platforms/registry.ts";
import type { Parsed } from "../text/issue.ts";
import { parseRequirements, REQUIREMENTS_FILE, type Requirements } from "./requirements.ts";

/**
 * Reads the libraries of an app.
 * @param root the project's directory
 * @param app directory of the app, relative to it, with forward slashes
 * @param platform of the app, if its manifest could be read: only Python uses the file
 * @returns no value and no issue when the app has no requirements.txt
 */
export function readRequirements(root: string, app: string, platform: PlatformName | undefined): Parsed<Requirements> {
  if (platform !== undefined && !platforms[platform].hasLibraries) return { issues: [] };
  const path = join(root, app, REQUIREMENTS_FILE);
  // The bundle reports broken links and unreadable files.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() !== true) return { issues: [] };
  try {
    return parseRequirements(readFileSync(path, "utf8"), `${app}/${REQUIREMENTS_FILE}`);
  } catch {
    return { issues: [] };
  }
}
