import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import {
  decodeRequirements,
  parseRequirements,
  readPins,
  renderRequirements,
  REQUIREMENTS_FILE,
} from "../components/bundle/requirements.ts";
import { environmentNames } from "../components/plan/environment-names.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import { distinctTargets, targetText } from "../components/plan/libraries.ts";
import { cacheDirectory } from "../components/rollout/cache.ts";
import { Failure } from "../components/rollout/failure.ts";
import { indexEnvironment } from "../components/rollout/package-index.ts";
import { run } from "../components/rollout/run.ts";
import { ensureUv } from "../components/rollout/uv.ts";
import type { PythonTarget } from "../components/systems/python-target.ts";
import { systems } from "../components/systems/systems.ts";
import { readInside, realDirectory, refusalIssue } from "../components/text/files.ts";
import { readLockInput, readProject } from "./lock-input.ts";
import { environmentName, root } from "./pulumi.ts";
import { UserError } from "./user-error.ts";

/** Files in which a person lists libraries, the first that is there. */
const inputs = ["requirements.in", "pyproject.toml"];

/** `silver lock APP`: a requirements.txt with every library's version and hashes, for the Python of the nodes that run the app. */
export function lock(program: Command): void {
  program
    .command("lock <app>")
    .description("write an app's requirements.txt: its libraries, pinned and hashed, for the Python of its nodes")
    .option("--upgrade", "take newer versions of what is pinned already")
    .action(async (name: string, options: { upgrade?: boolean }) => {
      const { environment, json } = program.opts<{ environment?: string; json?: boolean }>();
      const app = appNamed(name);
      const input = inputs.find((file) => existsSync(join(root, app, file)));
      if (input === undefined) throw noInput(app);
      const targets = targetsOf(app, environment === undefined ? environmentNames(root) : [environmentName(environment)]);
      await compile(app, input, targets, options.upgrade === true);
      const file = `${app}/${REQUIREMENTS_FILE}`;
      const libraries = parseRequirements(readFileSync(join(root, file), "utf8"), file).value?.list ?? [];
      const shown = relative(process.cwd(), join(root, file));
      if (json === true) console.log(JSON.stringify({ file, libraries: libraries.map(pinned), targets }, undefined, 2));
      else {
        const count = `${libraries.length} ${libraries.length === 1 ? "library" : "libraries"}`;
        console.log(`✓ ${shown}: ${count} for ${targets.map(targetText).join(" and ")}`);
      }
    });
}

const pinned = ({ name, version }: { name: string; version: string }) => ({ name, version });

/** An app by its name, or by the path of its directory. */
function appNamed(name: string): string {
  const path = existsSync(join(root, "apps", name)) ? join(root, "apps", name) : resolve(name);
  const app = relative(root, path);
  if (existsSync(path) && !app.startsWith("..")) return app;
  throw new UserError(`there is no app ${name}`, "name one of apps/, or its directory", 2);
}

function noInput(app: string): UserError {
  const isThere = existsSync(join(root, app, REQUIREMENTS_FILE));
  const fix = isThere
    ? `rename ${REQUIREMENTS_FILE} to requirements.in first: the other is written from it`
    : `list its libraries there, one a line: echo flask > ${app}/requirements.in`;
  return new UserError(`${app} has neither ${inputs.join(" nor ")}`, fix);
}

/** The Pythons of the nodes on which environments place the app. */
function targetsOf(app: string, environments: readonly string[]): PythonTarget[] {
  const nodes = environments.flatMap((name) => {
    const environment = loadEnvironment(root, name).value;
    const sites = Object.values(environment?.sites ?? {}).filter((site) => site.app === app);
    return sites.flatMap((site) => site.nodes.flatMap((node) => environment?.nodes[node] ?? []));
  });
  if (nodes.length === 0)
    throw new UserError(
      `no node is known for ${app}: ${environments.join(", ") || "no environment"} places it on none`,
      `place it first, e.g. below sites of stacks/dev.yaml: ${basename(app)}: { app: ${app}, nodes: [web1] }`,
    );
  const targets = Object.fromEntries(nodes.map(({ os }) => [os, systems[os].python]));
  return distinctTargets({ digest: "", versions: {}, targets });
}

/**
 * Has uv write the file, in a directory of its own: where the app is, uv and pip would run what they find there, such as `pip.py`, the
 * Python of a `.venv`, or the one that a `uv.toml` names. What is looked at may be a stranger's.
 * https://docs.astral.sh/uv/reference/cli/#uv-pip-compile
 */
async function compile(app: string, input: string, targets: readonly PythonTarget[], upgrade: boolean): Promise<void> {
  const signal = new AbortController().signal;
  const found = realDirectory(root, app);
  if (!("real" in found)) throw new UserError(found.message, found.fix);
  const [first, ...others] = targets.toSorted((one, other) => minor(one) - minor(other));
  if (first === undefined) throw new Error("there is no Python to lock for");
  // With several Pythons, markers choose: from the oldest on.
  const fit = others.length > 0 ? ["--universal"] : ["--python-platform", first.platform];
  const cache = cacheDirectory();
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(join(cache, "lock-"));
  try {
    const uv = await ensureUv(cache, signal);
    const environment = await indexEnvironment(directory, signal);
    const lists = writeInput(directory, found.real, input, app);
    if (!upgrade) writePins(directory, found.real, app);
    const words = [
      "pip",
      "compile",
      "--quiet",
      "--color",
      "never",
      "--generate-hashes",
      "--no-header",
      "--only-binary",
      ":all:",
      "--no-python-downloads",
    ];
    const python = ["--python", "python3", "--python-version", first.python, ...fit, ...(upgrade ? ["--upgrade"] : [])];
    const strategy = ["--index-strategy", "unsafe-best-match"];
    const ended = await run([uv, ...words, ...python, ...strategy, ...lists, "-o", REQUIREMENTS_FILE], {
      directory,
      environment,
      signal,
    });
    if (ended.code !== 0)
      throw new UserError(
        `uv can't pin the libraries of ${app}/${input}:\n${ended.stderr.trim()}`,
        "correct what it names there",
      );
    const made = readFileSync(join(directory, REQUIREMENTS_FILE), "utf8").replaceAll(`(${below}/`, "(");
    // A link in its place is replaced, and never followed.
    const fresh = join(found.real, `.${REQUIREMENTS_FILE}.${process.pid}`);
    writeFileSync(fresh, made, { flag: "wx" });
    renameSync(fresh, join(found.real, REQUIREMENTS_FILE));
  } catch (error) {
    if (error instanceof Failure) throw new UserError(error.details.message, error.details.fix);
    throw error;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Below where uv runs: there it takes a pyproject.toml as a list of libraries, and not as settings of its own. */
const below = "app";

/** Writes what uv reads; returns the words that name it. */
function writeInput(directory: string, from: string, input: string, app: string): string[] {
  if (input === "pyproject.toml") {
    mkdirSync(join(directory, below));
    writeFileSync(join(directory, below, input), readProject(from, input, app));
    return [`${below}/${input}`];
  }
  const { requirements, constraints } = readLockInput(from, input, app);
  writeFileSync(join(directory, input), requirements);
  if (constraints === "") return [input];
  writeFileSync(join(directory, "constraints.in"), constraints);
  return [input, "-c", "constraints.in"];
}

/**
 * Writes what is pinned already, so that it stays. The file may be another program's, without hashes.
 * @throws UserError at the first line that pins no version
 */
function writePins(directory: string, from: string, app: string): void {
  const shown = `${app}/${REQUIREMENTS_FILE}`;
  const anyway = `take the newest of everything: silver lock ${app} --upgrade`;
  const bytes = readInside(from, REQUIREMENTS_FILE, mostPins);
  if (bytes === "missing") return;
  if (typeof bytes === "string")
    throw new UserError(`${refusalIssue(bytes, shown, mostPins).message}, so what it pins can't be kept`, anyway);
  const text = decodeRequirements(bytes);
  const known = parseRequirements(text, shown).value;
  const { value: pins, issues } = known === undefined ? readPins(text, shown) : { value: [], issues: [] };
  const [issue] = issues;
  if (pins === undefined)
    throw new UserError(
      `${shown}:${issue?.place.line ?? 1}: ${issue?.message ?? "it can't be read"}, so what the file pins can't be kept`,
      `write name==version there, or ${anyway}`,
    );
  writeFileSync(
    join(directory, REQUIREMENTS_FILE),
    known === undefined ? pins.map((pin) => `${pin}\n`).join("") : renderRequirements(known),
  );
}

/** Bytes of a file of pins. */
const mostPins = 2 ** 22;

const minor = ({ python }: PythonTarget): number => Number(python.split(".")[1]);
