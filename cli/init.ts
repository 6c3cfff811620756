import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import { convertToIni } from "../components/manifest/ini/to-ini.ts";
import { renderExample } from "../components/manifest/example.ts";
import { root } from "./pulumi.ts";
import { templates, type TemplateName } from "./templates.ts";
import { UserError } from "./user-error.ts";

interface InitOptions {
  flask?: boolean;
  django?: boolean;
  php?: boolean;
  static?: boolean;
  ini?: boolean;
  allKeys?: boolean;
}

/** `silver init NAME`: an app that runs right away; `silver init --all-keys`: every key of a manifest, explained. */
export function init(program: Command): void {
  program
    .command("init [name]")
    .description("make a new app in apps/NAME that runs at once")
    .option("--flask", "a Flask app (default: plain WSGI)")
    .option("--django", "a Django app in one file")
    .option("--php", "an app in PHP")
    .option("--static", "files alone, in static/: no code runs")
    .option("--ini", "write its manifest as app.ini instead of app.yaml")
    .option("--all-keys", "print a manifest with every key, its meaning and default, and make nothing")
    .action((name: string | undefined, options: InitOptions) => {
      const { json } = program.opts<{ json?: boolean }>();
      const example = options.allKeys === true ? renderExample("../../docs/manifest.schema.json") : undefined;
      if (example === undefined) make(name, options, json === true);
      else process.stdout.write(json === true ? `${JSON.stringify({ "app.yaml": example }, undefined, 2)}\n` : example);
    });
}

/** Options that choose a template; without any of them it is plain WSGI. */
const kinds = ["flask", "django", "php", "static"] as const satisfies TemplateName[];

function make(name: string | undefined, options: InitOptions, json: boolean): void {
  if (name === undefined || !/^[a-z][a-z0-9-]{0,23}$/.test(name))
    throw new UserError(
      name === undefined ? "the app needs a name" : `${name} can't be an app's name`,
      "use 1 to 24 lower-case letters, digits and hyphens, a letter first: silver init blog",
      2,
    );
  const [template = "wsgi", second] = kinds.filter((kind) => options[kind] === true);
  if (second !== undefined) throw new UserError(`--${template} and --${second} are two different apps`, "give one of them", 2);
  const directory = join(root, "apps", name);
  if (existsSync(directory)) throw new UserError(`apps/${name} exists already`, "take another name, or edit that app");
  const files = Object.entries(filesOf(name, template, options.ini === true));
  for (const [path, content] of files) {
    const file = join(directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (!json) console.log(`+ apps/${name}/${path}`);
  }
  if (json) {
    console.log(JSON.stringify({ app: `apps/${name}`, files: files.map(([path]) => path) }, undefined, 2));
    return;
  }
  console.log(`\nNext: place it in stacks/dev.yaml, below sites:

  ${name}: { app: apps/${name}, nodes: [web1], locations: ["*/${name}"] }

then: silver preview, and silver up.`);
}

function filesOf(name: string, template: TemplateName, ini: boolean): Record<string, string> {
  const { "app.yaml": manifest, ...rest } = templates[template](name);
  if (!ini) return { "app.yaml": manifest, ...rest };
  const converted = convertToIni(manifest, `apps/${name}/app.yaml`);
  if (converted.text === undefined) throw new Error(`the template ${template} has no app.ini form`);
  return { "app.ini": converted.text, ...rest };
}
