import { systems } from "../systems/systems.ts";
import { error, type Issue } from "../text/issue.ts";
import { path } from "../text/schema/paths.ts";
import type { Source } from "../text/source.ts";
import { phpApache } from "./php/apache.ts";
import { fpmLimits, fpmUnit, renderPhpFpm } from "./php/fpm.ts";
import type { AppFiles, Declared, Platform } from "./platform.ts";
import { programFile } from "./program-file.ts";

/** Sets the app's variables before each script. */
const prepend = programFile("php/prepend.php", import.meta.url);

/** Scripts, run by php-fpm. */
export const php = {
  keys: {
    php_root: path("the app's directory", "www")
      .exactOptional()
      .describe(
        "For PHP: directory whose files are served unchanged; those that end in .php are run, or, where there is a runner, left to it.",
      ),
  },
  needs: ["runner", "php_root"],
  detect: ({ runner, php_root: phpRoot }) => phpRoot !== undefined || runner?.endsWith(".php") === true,
  judge: (declared, source) => [
    ...judgeRunner(declared, source),
    ...judgeThreads(declared, source),
    ...judgeChecker(declared, source),
  ],
  judgeFiles: ({ php_root: phpRoot }, files) => [
    ...(phpRoot === undefined ? [] : files.checkDirectory("php_root", phpRoot)),
    ...staticScripts(files),
  ],
  hasProcesses: true,
  hasLibraries: false,
  packages: ["php-fpm"],
  // The system's own php-fpm: its pool would run unused from the next boot on.
  unwantedUnits: (os) => [`php${systems[os].php}-fpm.service`],
  limits: fpmLimits,
  apache: phpApache,
  files: (site) => [
    { name: "php-fpm.conf", content: renderPhpFpm(site) },
    { name: "prepend.php", content: prepend },
  ],
  // It listens before Apache gets any requests, and stops only once Apache has finished all of them.
  units: () => [fpmUnit()],
  // With the app's variables, and the directory as its argument.
  checker: (checker, directory) => {
    const settings = "-d auto_prepend_file=@ROOT@/conf/prepend.php -d display_errors=stderr";
    const argument = directory === undefined ? "" : ` @ROOT@/${directory}`;
    return { start: `ExecStart=/usr/bin/php ${settings} @ROOT@/app/${checker}${argument}`, environment: [], files: [] };
  },
  commands: {
    // An empty place before it is the system's own.
    paths: { PHP_INI_SCAN_DIR: ":@ROOT@/conf/commands" },
    shell: ["/usr/bin/php", "-a"],
    files: [{ name: "commands/app.ini", content: "auto_prepend_file = @ROOT@/conf/prepend.php\ndisplay_errors = stderr\n" }],
  },
} as const satisfies Platform;

function judgeRunner({ runner, platform, php_root: phpRoot }: Declared, source: Source): Issue[] {
  if (runner === undefined || runner.endsWith(".php")) return [];
  const told = [...(platform === undefined ? [] : ["the platform"]), ...(phpRoot === undefined ? [] : ["php_root"])];
  const fix = `name a file that ends in .php, or delete ${told.join(" and ")}`;
  return [phpIssue(["runner"], `runner is "${runner}", but the platform is php`, fix, source)];
}

function judgeThreads({ processes }: Declared, source: Source): Issue[] {
  if (processes === undefined || processes.threads === 1) return [];
  const path = ["processes", "threads"];
  const message = `${source.nameOf(path)} is ${processes.threads}, but a PHP process serves one request at a time`;
  return [phpIssue(path, message, "raise processes.count instead", source)];
}

function judgeChecker({ config }: Declared, source: Source): Issue[] {
  if (config?.checker?.endsWith(".php") !== false) return [];
  const path = ["config", "checker"];
  const message = `${source.nameOf(path)} is "${config.checker}", but the checker of a PHP app is a script in PHP`;
  return [phpIssue(path, message, "name a file that ends in .php", source)];
}

function phpIssue(path: string[], message: string, fix: string, source: Source): Issue {
  return error("php-app", source.placeOf(path, "value"), message, fix);
}

/** Files in static/ are sent as they are: a script would be sent, not run. */
function staticScripts({ app, below }: AppFiles): Issue[] {
  return below("static")
    .filter((path) => /\.php$/i.test(path))
    .sort()
    .map((path) => {
      const message = `${app}/static/${path} would be shown, and not run`;
      return error("php-app", { file: `${app}/static/${path}` }, message, "move it out of static/, or give it another name");
    });
}
