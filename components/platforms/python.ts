import { error } from "../text/issue.ts";
import type { Platform } from "./platform.ts";
import { programFile } from "./program-file.ts";
import { pythonApache } from "./python/apache.ts";
import { renderSiteJson } from "./python/site-json.ts";

/** Sets the app's variables and directories, and loads it. */
const wrapper = programFile("python/wsgi.py", import.meta.url);
/** Does the same for the app's checker. */
const checkProgram = programFile("python/check.py", import.meta.url);

/** mod_wsgi's own threads in each process: main, monitor, deadlock, reaper. */
const threadsOfDaemon = 4;

/** Ways in which a line of Python binds `application`, or may bind it. */
const BINDS = [
  /^\s*(?:async\s+)?(?:def|class)\s+application\b/,
  /\bapplication\s*(?::[^=]*)?=(?!=)/,
  /^\s*(?:from|import)\b.*\bapplication\b/,
  // A parenthesized import, over several lines.
  /^\s*(?:\w+\s+as\s+)?application\s*[,)]?\s*$/,
  /\bimport\s*\*|\bexec\(|\bglobals\(\)/,
];

/** A WSGI application, run by mod_wsgi. */
export const python = {
  keys: {},
  needs: ["runner"],
  judge: ({ runner, php_root: phpRoot }, source) => [
    ...(runner?.endsWith(".php") === true
      ? [
          error(
            "php-app",
            source.placeOf(["runner"], "value"),
            `runner is "${runner}", but the platform is python`,
            "delete platform: the runner implies it",
          ),
        ]
      : []),
    ...(phpRoot === undefined
      ? []
      : [
          error(
            "php-app",
            source.placeOf(["php_root"], "value"),
            "php_root has no effect: the platform is python",
            "delete it, or the platform",
          ),
        ]),
  ],
  judgeFiles: ({ runner }, { app, read }) => {
    if (runner?.endsWith(".py") !== true || definesApplication(read(runner))) return [];
    const fix = "define it at the top level: def application(environ, start_response)";
    return [error("no-application", { file: `${app}/${runner}` }, "the runner does not define application", fix)];
  },
  hasProcesses: true,
  hasLibraries: true,
  packages: [],
  unwantedUnits: () => [],
  limits: ({ count, threads, memoryBytes }) => ({ tasks: count * (threads + threadsOfDaemon), memoryBytes: count * memoryBytes }),
  apache: pythonApache,
  files: (site) => [
    { name: "site.json", content: renderSiteJson(site) },
    { name: "wsgi.py", content: wrapper },
  ],
  units: () => [],
  checker: (checker) => ({
    start: `# -P: conf/ is not on sys.path, as it is not in the app's own processes.
ExecStart=/usr/bin/python3 -P @ROOT@/conf/check.py ${checker}`,
    environment: ["PYTHONUNBUFFERED=1"],
    files: [{ name: "check.py", content: checkProgram }],
  }),
} as const satisfies Platform;

/**
 * Whether a Python text defines `application`. Judges by the text alone, and when in doubt says yes:
 * starting the release shows whether it can really be called.
 */
function definesApplication(text: string): boolean {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, ""));
  return lines.some((line) => BINDS.some((pattern) => pattern.test(line)));
}
