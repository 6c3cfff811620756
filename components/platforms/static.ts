import { posix } from "node:path";
import { error, type Issue } from "../text/issue.ts";
import { isMap } from "../text/value.ts";
import { notFound, prefixOf } from "./apache.ts";
import type { Platform } from "./platform.ts";

/** Keys that only running code can use. */
const OF_CODE = ["runner", "php_root", "packages", "services", "config", "processes", "limits", "workers", "cron", "debs"];

/** Without a declared check: any file is one to serve. */
function noFiles(app: string): Issue[] {
  const message = `${app}/static has no file, and a static app is nothing else`;
  return [error("missing-file", { file: app }, message, `create ${app}/static/index.html`)];
}

/** Files alone. */
export const staticPlatform = {
  keys: {},
  needs: [],
  judge: (_, source) => {
    const given = isMap(source.tree) ? source.tree : {};
    return OF_CODE.filter((key) => Object.hasOwn(given, key)).map((key) =>
      error(
        "static-app",
        source.placeOf([key], "key"),
        `${source.nameOf([key])} has no effect: an app of the platform static runs no code`,
        "delete it, or the platform",
      ),
    );
  },
  // A file answers its check, as its Apache finds it: the file itself, or a directory's index.html.
  judgeFiles: ({ check }, { app, isFile, below, placeOf }) => {
    if (check === undefined || (check.status !== undefined && check.status !== 200) || check.path.includes("%")) return [];
    if (check.status === undefined) return below("static").some((path) => isFile(posix.join("static", path))) ? [] : noFiles(app);
    // Dots can't lead out of static/, as in a browser.
    const file = posix.join("static", posix.normalize((check.path.split("?")[0] ?? "").replace(/\/$/, "/index.html")));
    if (isFile(file)) return [];
    const message = `the check asks for ${check.path}, but ${app}/${file} is not a file: a static app would fail it`;
    return [error("missing-file", placeOf(["check"]), message, `create ${app}/${file}, or set check.path to a file in static/`)];
  },
  hasProcesses: false,
  hasLibraries: false,
  packages: [],
  unwantedUnits: () => [],
  limits: () => ({ tasks: 0, memoryBytes: 0 }),
  apache: {
    modules: [],
    logLevels: "warn",
    server: () => [],
    // A 404 is a static app's own answer; other apps give one only from code.
    host: ({ name }) => [`Header always set X-Silver-Release "${name} @RELEASE@"`],
    mount: (_, path) => notFound(prefixOf(path)),
  },
  files: () => [],
  units: () => [],
} as const satisfies Platform;
