import { join } from "node:path";
import { platforms, type PlatformName } from "../platforms/registry.ts";
import { readInside, refusalIssue } from "../text/files.ts";
import type { Parsed } from "../text/issue.ts";
import { decodeRequirements, parseRequirements, REQUIREMENTS_FILE, type Requirements } from "./requirements.ts";

/** Bytes of a requirements.txt: room for a thousand libraries and the hashes of all their files. */
const most = 4 * 1024 ** 2;

/**
 * Reads the libraries of an app.
 * @param root the project's directory
 * @param app directory of the app, relative to it, with forward slashes
 * @param platform of the app, if its manifest could be read: only Python uses the file
 * @returns no value and no issue when the app has no requirements.txt
 */
export function readRequirements(root: string, app: string, platform: PlatformName | undefined): Parsed<Requirements> {
  if (platform !== undefined && !platforms[platform].hasLibraries) return { issues: [] };
  const file = `${app}/${REQUIREMENTS_FILE}`;
  const bytes = readInside(join(root, app), REQUIREMENTS_FILE, most);
  if (bytes === "too-large") return { issues: [refusalIssue(bytes, file, most)] };
  // The bundle reports what else can't be read.
  return typeof bytes === "string" ? { issues: [] } : parseRequirements(decodeRequirements(bytes), file);
}
