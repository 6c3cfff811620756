import { existsSync, readFileSync, readdirSync, realpathSync, statSync } from "node:fs";
import { join, posix, sep } from "node:path";
import { checkConfigFiles, checkDirectory } from "./read-config.ts";
import { byPlace, error, isError, type Issue, type Parsed, type Place } from "../text/issue.ts";
import type { Check, Manifest } from "./manifest.ts";
import { platformOf } from "./platform.ts";
import { CHARACTERS_MAX, examineManifest } from "./parse.ts";
import { tooLarge } from "../text/too-large.ts";

/** What was read of an app's manifest. */
export interface AppManifest extends Parsed<Manifest> {
  /** Its `default_location`, where that key is right: also of a manifest that is wrong elsewhere. */
  defaultLocation?: string;
  /** What serves the app, as its manifest says, also where that is wrong elsewhere; absent where there is none to read. */
  platform?: Manifest["platform"];
}

/** The two forms of a manifest. */
const FORMS = ["app.yaml", "app.ini"] as const;

/**
 * Reads the manifest of an app and looks at the files it names. The only file of this layer that reads from disk.
 * @param root the project's directory
 * @param app directory of the app, relative to it, with forward slashes
 * @returns the manifest, or all that is wrong with it: no manifest, two of them, what is wrong in it, and a runner that is
 * missing, leads out of the app or does not define `application`, what `config` names and is not there, and PHP where it is not run
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
  // Nobody should wait for a gigabyte to be read: a character has at most 4 bytes.
  const { size } = statSync(join(root, file));
  const large = size > 4 * CHARACTERS_MAX ? tooLarge({ length: size }, file, CHARACTERS_MAX) : undefined;
  if (large) return { issues: [large] };
  const { value, issues, parts, placeOf } = examineManifest(decodeManifest(readFileSync(join(root, file))), file);
  const all = byPlace([
    ...issues,
    ...(parts.runner === undefined ? [] : checkRunner(root, app, parts.runner, placeOf(["runner"]))),
    ...(parts.php_root === undefined ? [] : checkDirectory(root, app, "php_root", parts.php_root, placeOf(["php_root"]))),
    ...(platformOf(parts) === "php" ? checkStaticScripts(root, app) : []),
    ...(parts.platform === "static" && parts.check !== undefined ? checkStatic(root, app, parts.check, placeOf(["check"])) : []),
    ...(parts.config === undefined ? [] : checkConfigFiles(root, app, parts.config, placeOf)),
  ]);
  const location = parts.default_location === undefined ? {} : { defaultLocation: parts.default_location };
  const told = { issues: all, platform: platformOf(parts), ...location };
  return value === undefined || all.some(isError) ? told : { value, ...told };
}

/** The text of a manifest: UTF-8, or else Latin-1, which an app.ini of 2010 may be in. */
export function decodeManifest(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return bytes.toString("latin1");
  }
}

/** The runner is a file of the app; of Python, it defines `application`. */
function checkRunner(root: string, app: string, runner: string, place: Place): Issue[] {
  // Not realpathSync itself, which asks for each directory on the way by a call of its own.
  const directory = realpathSync.native(join(root, app));
  const path = join(directory, runner);
  if (!existsSync(path))
    return [error("missing-file", place, `runner ${runner} does not exist in ${app}`, "create it, or correct the path")];
  const real = realpathSync.native(path);
  if (!real.startsWith(directory + sep)) {
    return [error("leads-out", place, `runner ${runner} is a link that leads out of ${app}`, "move the file into the app")];
  }
  if (!statSync(real).isFile())
    return [error("missing-file", place, `runner ${runner} is no file`, "write the path of the file that is run")];
  if (runner.endsWith(".php")) return [];
  if (definesApplication(readFileSync(real, "latin1"))) return [];
  const fix = "define it at the top level: def application(environ, start_response)";
  return [error("no-application", { file: `${app}/${runner}` }, "the runner does not define application", fix)];
}

/** A static app answers its check by a file, as its Apache finds it: the file itself, or a directory's index.html. */
function checkStatic(root: string, app: string, { path, status }: Check, place: Place): Issue[] {
  // Dots that lead out of static/ lead nowhere, as for a browser.
  const file = join("static", posix.normalize((path.split("?")[0] ?? "").replace(/\/$/, "/index.html")));
  if (status !== 200 || path.includes("%") || isFile(join(root, app, file))) return [];
  const message = `the check asks for ${path}, and ${app}/${file} is no file: a static app would not pass it`;
  return [error("missing-file", place, message, `create ${app}/${file}, or set check.path to a file in static/`)];
}

/** What stands in static/ is shown to whoever asks: a script would be told, and not run. */
function checkStaticScripts(root: string, app: string): Issue[] {
  const directory = join(root, app, "static");
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.php$/i.test(path))
    .sort()
    .map((path) => {
      const message = `${app}/static/${path} would be shown, and not run`;
      return error("php-app", { file: `${app}/static/${path}` }, message, "move it out of static/, or give it another name");
    });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** Ways in which a line of Python binds `application`, or may bind it. */
const BINDS = [
  /^\s*(?:async\s+)?(?:def|class)\s+application\b/,
  /\bapplication\s*(?::[^=]*)?=(?!=)/,
  /^\s*(?:from|import)\b.*\bapplication\b/,
  // The lines of an import in parentheses.
  /^\s*(?:\w+\s+as\s+)?application\s*[,)]?\s*$/,
  /\bimport\s*\*|\bexec\(|\bglobals\(\)/,
];

/**
 * Whether a Python text defines `application`. By its look alone, and in doubt it does:
 * whether it can really be called shows when the release starts.
 */
function definesApplication(python: string): boolean {
  const lines = python.split("\n").map((line) => line.replace(/#.*/, ""));
  return lines.some((line) => BINDS.some((pattern) => pattern.test(line)));
}
