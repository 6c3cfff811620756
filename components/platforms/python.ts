import { error } from "../text/issue.ts";
import type { Platform } from "./platform.ts";

/** Ways in which a line of Python binds `application`, or may bind it. */
const BINDS = [
  /^\s*(?:async\s+)?(?:def|class)\s+application\b/,
  /\bapplication\s*(?::[^=]*)?=(?!=)/,
  /^\s*(?:from|import)\b.*\bapplication\b/,
  // The lines of an import in parentheses.
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
} as const satisfies Platform;

/**
 * Whether a Python text defines `application`. By its look alone, and in doubt it does:
 * whether it can really be called shows when the release starts.
 */
function definesApplication(text: string): boolean {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, ""));
  return lines.some((line) => BINDS.some((pattern) => pattern.test(line)));
}
