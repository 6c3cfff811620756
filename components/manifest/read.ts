import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";
import { checkConfigFiles, checkDirectory } from "./read-config.ts";
import { byPlace, error, isError, type Issue, type Parsed, type Place } from "../text/issue.ts";
import type { Manifest } from "./manifest.ts";
import type { AppFiles } from "../platforms/platform.ts";
import { platformOf, platforms } from "../platforms/registry.ts";
import type { Path } from "../text/source.ts";
import { CHARACTERS_MAX, examineManifest } from "./parse.ts";
import { tooLarge } from "../text/too-large.ts";

/** What was read of an app's manifest. */
export interface AppManifest extends Parsed<Manifest> {
  /** Its `default_location`, if that key is valid, even when the manifest is wrong elsewhere. */
  defaultLocation?: string;
  /** The app's platform by its manifest, even when that is wrong elsewhere; absent when there is none to read. */
  platform?: Manifest["platform"];
}

/** The two forms of a manifest. */
const FORMS = ["app.yaml", "app.ini"] as const;

/**
 * Reads the manifest of an app and checks the files it names. The only file of this layer that reads from disk.
 * @param root the project's directory
 * @param app directory of the app, relative to it, with forward slashes
 * @returns the manifest, or all issues: no manifest, two of them, errors in it, a runner that is missing, leads out of the
 * app or does not define `application`, missing files of `config`, and what the platform finds wrong in the app's files
 */
export function readApp(root: string, app: string): AppManifest {
  const [form, second] = FORMS.filter((name) => existsSync(join(root, app, name)));
  if (form === undefined) {
    const message = `${app} has no manifest: neither ${FORMS.join(" nor ")}`;
    return { issues: [error("missing-file", { file: app }, message, "write app.yaml, with name and runner at least")] };
  }
  const file = `${app}/${form}`;
  if (second !== undefined) {
    const message = `${app} has two manifests, ${form} and ${second}`;
    return { issues: [error("both-manifests", { file }, message, "delete the one that is out of date")] };
  }
  // Don't read a gigabyte: a character has at most 4 bytes.
  const { size } = statSync(join(root, file));
  const large = size > 4 * CHARACTERS_MAX ? tooLarge({ length: size }, file, CHARACTERS_MAX) : undefined;
  if (large) return { issues: [large] };
  const { value, issues, parts, placeOf } = examineManifest(decodeManifest(readFileSync(join(root, file))), file);
  const platform = platformOf(parts);
  const { runner, ...rest } = parts;
  const ofRunner = runner === undefined ? [] : checkRunner(root, app, runner, placeOf(["runner"]));
  const all = byPlace([
    ...issues,
    ...ofRunner,
    ...platforms[platform].judgeFiles(ofRunner.length > 0 ? rest : parts, filesOf(root, app, placeOf)),
    ...(parts.config === undefined ? [] : checkConfigFiles(root, app, parts.config, placeOf)),
  ]);
  const location = parts.default_location === undefined ? {} : { defaultLocation: parts.default_location };
  const told = { issues: all, platform, ...location };
  return value === undefined || all.some(isError) ? told : { value, ...told };
}

/** The text of a manifest: UTF-8, or else Latin-1, as an app.ini of 2010 may be. */
export function decodeManifest(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}

/** The runner must be a file of the app. */
function checkRunner(root: string, app: string, runner: string, place: Place): Issue[] {
  // Not realpathSync itself, which makes a separate call for each directory on the way.
  const directory = realpathSync.native(join(root, app));
  const path = join(directory, runner);
  if (!existsSync(path))
    return [error("missing-file", place, `runner ${runner} does not exist in ${app}`, "create it, or correct the path")];
  const real = realpathSync.native(path);
  if (!real.startsWith(directory + sep)) {
    return [error("leads-out", place, `runner ${runner} is a link that leads out of ${app}`, "move the file into the app")];
  }
  if (!statSync(real).isFile())
    return [error("missing-file", place, `runner ${runner} is not a file`, "write the path of the file that is run")];
  return [];
}

/** The app's directory, for a platform's checks. */
function filesOf(root: string, app: string, placeOf: (path: Path) => Place): AppFiles {
  const at = (path: string) => join(root, app, path);
  return {
    app,
    isFile: (path) => isFile(at(path)),
    read: (path) => readFileSync(at(path), "latin1"),
    below: (directory) => (existsSync(at(directory)) ? readdirSync(at(directory), { recursive: true, encoding: "utf8" }) : []),
    checkDirectory: (key, path) => checkDirectory(root, app, key, path, placeOf([key])),
    placeOf,
  };
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
