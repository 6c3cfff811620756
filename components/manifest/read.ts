import { existsSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkCommands, checkConfigFiles, checkDirectory } from "./read-config.ts";
import { readInside, realDirectory, realInside, refusalIssue, walkInside } from "../text/files.ts";
import { byPlace, error, isError, type Issue, type Parsed, type Place } from "../text/issue.ts";
import type { Manifest } from "./manifest.ts";
import type { AppFiles } from "../platforms/platform.ts";
import { runnerOf } from "../platforms/runner.ts";
import { platformOf, platforms } from "../platforms/registry.ts";
import type { Path } from "../text/source.ts";
import { CHARACTERS_MAX, examineManifest } from "./parse.ts";

/** What was read of an app's manifest. */
export interface AppManifest extends Parsed<Manifest> {
  /** Its `default_location`, if that key is valid, even when the manifest is wrong elsewhere. */
  defaultLocation?: string;
  /** The app's platform by its manifest, even when that is wrong elsewhere; absent when there is none to read. */
  platform?: Manifest["platform"];
}

/** The two forms of a manifest. */
const FORMS = ["app.yaml", "app.ini"] as const;

/** Bytes of a manifest: a character has at most 4. */
export const mostManifest = 4 * CHARACTERS_MAX;

/** Bytes of a file that a platform looks into; a larger runner is not judged. */
const mostLookedInto = 1024 ** 2;

/**
 * Reads the manifest of an app and checks the files it names. The only file of this layer that reads from disk.
 * @param root the project's directory
 * @param app directory of the app, relative to it, with forward slashes
 * @returns the manifest, or all issues: an app that is a link, no manifest, two of them, errors in it, a runner that is missing,
 * leads out of the app or does not define `application`, missing files of `config`, and what the platform finds wrong in the app's files
 */
export function readApp(root: string, app: string): AppManifest {
  const directory = realDirectory(root, app);
  if (!("real" in directory)) return { issues: [directory] };
  const [form, second] = FORMS.filter((name) => existsSync(join(root, app, name)));
  if (form === undefined) return { issues: [noManifest(app, readdirSync(directory.real))] };
  const file = `${app}/${form}`;
  if (second !== undefined) {
    const message = `${app} has two manifests, ${form} and ${second}`;
    return { issues: [error("both-manifests", { file }, message, "delete the one that is out of date")] };
  }
  const bytes = readInside(directory.real, form, mostManifest);
  if (typeof bytes === "string") return { issues: [refusalIssue(bytes, file, mostManifest)] };
  const { value, issues, parts, placeOf } = examineManifest(decodeManifest(bytes), file);
  const platform = platformOf(parts);
  const { runner, ...rest } = parts;
  const ofRunner = runner === undefined ? [] : checkRunner(root, app, runnerOf(runner).file, placeOf(["runner"]));
  const all = byPlace([
    ...issues,
    ...ofRunner,
    ...platforms[platform].judgeFiles(ofRunner.length > 0 ? rest : parts, filesOf(root, app, placeOf)),
    ...(parts.config === undefined ? [] : checkConfigFiles(root, app, parts.config, placeOf)),
    ...checkCommands(root, app, parts, placeOf),
  ]);
  const location = parts.default_location === undefined ? {} : { defaultLocation: parts.default_location };
  const told = { issues: all, platform, ...location };
  return value === undefined || all.some(isError) ? told : { value, ...told };
}

/** An app without a manifest; `names` are those of its files, among which may be one under another name. */
function noManifest(app: string, names: readonly string[]): Issue {
  const place = { file: app };
  const other = names.find((name) => meantManifest(name) !== undefined);
  const message = `${app} has no manifest: neither ${FORMS.join(" nor ")}`;
  if (other === undefined) return error("missing-file", place, message, "write app.yaml, with name and runner at least");
  return error("missing-file", place, `${message}, but ${other}`, `rename ${other} to ${meantManifest(other) ?? ""}`);
}

/** The name that a manifest under another name should have, such as `app.yml`; undefined for any other file. */
export function meantManifest(name: string): (typeof FORMS)[number] | undefined {
  const ending = /^(?:silver-?)?(?:app|silver|silverlining|manifest)(?:\.(ya?ml|ini)){1,2}(?:\.txt)?$/i.exec(name)?.[1];
  return ending === undefined ? undefined : ending.toLowerCase() === "ini" ? "app.ini" : "app.yaml";
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
  const found = realInside(join(root, app), runner);
  if (found === "missing")
    return [error("missing-file", place, `runner ${runner} does not exist in ${app}`, "create it, or correct the path")];
  if (found === "outside")
    return [error("leads-out", place, `runner ${runner} is a link that leads out of ${app}`, "move the file into the app")];
  if (!lstatSync(found.real).isFile())
    return [error("missing-file", place, `runner ${runner} is not a file`, "write the path of the file that is run")];
  return [];
}

/** The app's directory, for a platform's checks: nothing outside of it is looked at. */
function filesOf(root: string, app: string, placeOf: (path: Path) => Place): AppFiles {
  const directory = join(root, app);
  return {
    app,
    isFile: (path) => {
      const found = realInside(directory, path);
      return typeof found !== "string" && lstatSync(found.real).isFile();
    },
    read: (path) => {
      const bytes = readInside(directory, path, mostLookedInto);
      return typeof bytes === "string" ? undefined : bytes.toString("latin1");
    },
    below: (path) => walkInside(directory, path).map((found) => found.path),
    checkDirectory: (key, path) => checkDirectory(root, app, key, path, placeOf([key])),
    placeOf,
  };
}
