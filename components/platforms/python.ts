import { error } from "../text/issue.ts";
import type { ConfFile, Platform } from "./platform.ts";
import { programFile } from "./program-file.ts";
import { pythonApache } from "./python/apache.ts";
import { renderSiteJson } from "./python/site-json.ts";
import { runnerOf } from "./runner.ts";

const program = (name: string): ConfFile => ({ name, content: programFile(`python/${name}`, import.meta.url) });
/** `wsgi.py` sets the app's variables and directories, and loads it; the others are its parts. */
const wrapper = ["silver_answer", "silver_app", "silver_environment", "silver_lifetime", "silver_log", "wsgi"].map((name) =>
  program(`${name}.py`),
);
/** Does the same for the app's checker. */
const checkProgram = program("check.py");

/** mod_wsgi's own threads in each process: main, monitor, deadlock, reaper. */
const threadsOfDaemon = 4;

/** Characters of a line that is looked into: the time for it grows with their square. */
const longest = 500;

/** Ways in which a line of Python binds a name, or may bind it. */
const binds = (name: string): RegExp[] => [
  new RegExp(`^\\s*(?:async\\s+)?(?:def|class)\\s+${name}\\b`),
  new RegExp(`\\b${name}\\s*(?::[^=]*)?=(?!=)`),
  new RegExp(`^\\s*(?:from|import)\\b.*\\b${name}\\b`),
  // A parenthesized import, over several lines.
  new RegExp(`^\\s*(?:\\w+\\s+as\\s+)?${name}\\s*[,)]?\\s*$`),
  /\bimport\s*\*|\bexec\(|\bglobals\(\)/,
];

/** A WSGI application, run by mod_wsgi: an object of a Python file, or what a file of Paste Deploy describes. */
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
  judgeFiles: ({ runner = "" }, { app, read }) => {
    const { file, name } = runnerOf(runner);
    const place = { file: `${app}/${file}` };
    const text = /\.(?:py|ini)$/.test(file) ? read(file) : undefined;
    if (text === undefined) return [];
    if (file.endsWith(".py") && !defines(text, name)) {
      const fix = `define it at the top level: def ${name}(environ, start_response)`;
      return [error("no-application", place, `the runner does not define ${name}`, fix)];
    }
    if (file.endsWith(".ini") && !hasPasteSection(text, name)) {
      const fix = `add [app:${name}], or write the name of one of its applications after # in runner`;
      return [
        error(
          "no-application",
          place,
          `the runner has no section [app:${name}], nor one of a composite, pipeline or filter-app`,
          fix,
        ),
      ];
    }
    return [];
  },
  hasProcesses: true,
  hasLibraries: true,
  packages: [],
  unwantedUnits: () => [],
  // One process more than serve: it waits without the app, or is loaded while another still finishes its requests.
  limits: ({ count, threads, memoryBytes }) => ({
    tasks: (count + 1) * (threads + threadsOfDaemon),
    memoryBytes: (count + 1) * memoryBytes,
  }),
  apache: pythonApache,
  files: (site) => [{ name: "site.json", content: renderSiteJson(site) }, ...wrapper],
  units: () => [],
  checker: (checker) => ({
    start: `# -P: conf/ is not on sys.path, as it is not in the app's own processes.
ExecStart=/usr/bin/python3 -P @ROOT@/conf/check.py ${checker}`,
    environment: ["PYTHONUNBUFFERED=1", "PYTHONIOENCODING=utf-8:backslashreplace"],
    files: [checkProgram],
  }),
  commands: {
    // What Python imports by itself as it starts: so each one that a command starts finds the app's libraries.
    paths: { PYTHONPATH: "@ROOT@/conf/commands" },
    shell: ["/usr/bin/python3", "-P", "@ROOT@/conf/shell.py"],
    files: [program("commands/sitecustomize.py"), program("shell.py")],
  },
} as const satisfies Platform;

/** Whether a file of Paste Deploy has an application of a name. A section without a name is `main`. */
function hasPasteSection(text: string, name: string): boolean {
  const sections = [
    ...text.matchAll(/^\[(?:app|application|composite|composit|pipeline|filter-app)(?::([^\]\r\n\u2028\u2029]*))?\]/gm),
  ];
  return sections.some(([, named]) => (named === undefined ? "main" : named.trim()) === name);
}

/**
 * Whether a Python text defines a name. Judges by the text alone, and when in doubt says yes:
 * starting the release shows whether it can really be called.
 */
function defines(text: string, name: string): boolean {
  const patterns = binds(name);
  const lines = text.split("\n").map((line) => line.replace(/#.*/, ""));
  return lines.some((line) => line.length > longest || patterns.some((pattern) => pattern.test(line)));
}
