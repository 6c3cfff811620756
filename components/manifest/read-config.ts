import { constants, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { realInside } from "../text/files.ts";
import { error, type Issue, type Place } from "../text/issue.ts";
import { readTemplate } from "./read-template.ts";
import type { ManifestTree } from "./schema.ts";
import type { Path } from "../text/source.ts";

/** The directories and the script named in `config` must exist within the app. Only its release shows whether a module does. */
export function checkConfigFiles(
  root: string,
  app: string,
  config: ManifestTree["config"],
  placeOf: (path: Path) => Place,
): Issue[] {
  const { default: preset, template, checker } = config;
  const directories = { default: typeof preset === "string" ? preset : undefined, template };
  const found = Object.entries(directories).flatMap(([key, path]) =>
    path === undefined ? [] : checkDirectory(root, app, `config.${key}`, path, placeOf(["config", key])),
  );
  return [
    ...found,
    ...(found.length > 0 || template === undefined ? [] : readTemplate(root, app, template).issues),
    ...(checker === undefined || checker.includes(":")
      ? []
      : checkScript(root, app, "config.checker", checker, /\.(?:py|php)$/, placeOf(["config", "checker"]))),
  ];
}

/** A directory named in the manifest must exist within the app, and must not be empty. */
export function checkDirectory(root: string, app: string, key: string, path: string, place: Place): Issue[] {
  const found = inside(root, app, `${key} ${path}`, path, place);
  if (typeof found !== "string") return [found];
  const what = `${key} ${path}`;
  if (!statSync(found).isDirectory())
    return [error("missing-file", place, `${what} is not a directory`, "write the path of a directory")];
  // Git does not track empty directories: it would be missing on another machine.
  if (readdirSync(found).length > 0) return [];
  return [error("missing-file", place, `${what} is empty`, "put a file into it, or delete the key")];
}

/** What workers and jobs run must be there, as a program. */
export function checkCommands(
  root: string,
  app: string,
  { workers = {}, cron = {} }: Partial<ManifestTree>,
  placeOf: (path: Path) => Place,
): Issue[] {
  const commands = [
    ...Object.entries(workers).map(([name, { run }]) => ({ path: ["workers", name, "run"], run })),
    ...Object.entries(cron).map(([name, { run }]) => ({ path: ["cron", name, "run"], run })),
  ];
  return commands.flatMap(({ path, run }) => {
    const [program = ""] = run.split(" ");
    return checkScript(root, app, path.slice(0, 2).join("."), program, /\.py$/, placeOf(path));
  });
}

/** @param read what an interpreter reads, so that it need not be a program itself */
function checkScript(root: string, app: string, key: string, path: string, read: RegExp, place: Place): Issue[] {
  const what = `${key} ${path}`;
  const found = inside(root, app, what, path, place);
  if (typeof found !== "string") return [found];
  if (!statSync(found).isFile()) return [error("missing-file", place, `${what} is not a file`, "write the path of a script")];
  if (read.test(path) || isExecutable(found)) return [];
  return [error("not-executable", place, `${what} can't be started as a program`, `run: chmod +x ${app}/${path}`)];
}

/** The real path of a file of the app, or what is wrong with it. */
function inside(root: string, app: string, what: string, path: string, place: Place): string | Issue {
  const found = realInside(join(root, app), path);
  if (found === "missing")
    return error("missing-file", place, `${what} does not exist in ${app}`, "create it, or correct the path");
  if (found !== "outside") return found.real;
  return error("leads-out", place, `${what} is a link that leads out of ${app}`, "move the file into the app");
}

function isExecutable(path: string): boolean {
  return (statSync(path).mode & constants.S_IXUSR) !== 0;
}
