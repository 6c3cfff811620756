import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";
import { siteSchema } from "../components/environment/schema.ts";
import { nameVariable, readTemplate, type ConfigTemplate, type TemplateVariable } from "../components/manifest/read-template.ts";
import { fillTemplate } from "../components/manifest/template-text.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import { readApp } from "../components/manifest/read.ts";
import { suggest } from "../components/text/suggest.ts";
import { siteOf, valueOrReport } from "./planned.ts";
import { environmentName, root } from "./pulumi.ts";
import { printable, printableJson } from "../components/text/printable.ts";
import { UserError } from "./user-error.ts";

interface CreateOptions {
  set: string[];
  force?: boolean;
}

/** `silver config create SITE [DIR]`: a configuration directory from the app's template; asks for values that --set does not give. */
export function configCreate(config: Command, program: Command): void {
  config
    .command("create <site> [directory]")
    .description("make a site's configuration directory from its app's config.template")
    .option(
      "--set <name=value>",
      "a value, instead of being asked for it; may be given again",
      (one: string, all: string[]) => [...all, one],
      [],
    )
    .option("--force", "overwrite files that exist and differ")
    .action(async (name: string, directory: string | undefined, options: CreateOptions) => {
      const { environment: named, json } = program.opts<{ environment?: string; json?: boolean }>();
      const environment = environmentName(named);
      const declared = valueOrReport(loadEnvironment(root, environment), root, `${environment} can't be read as it is`).sites;
      const site = siteOf(declared, name, environment);
      const manifest = valueOrReport(readApp(root, site.app), root, `${site.app} can't be read as it is`);
      const { template: path } = manifest.config;
      if (path === undefined)
        throw new UserError(`${manifest.file} has no config.template`, "write the directory by hand, and name it as config_dir");
      const asked = directory ?? site.configDirectory ?? `config/${environment}/${name}`;
      const target = siteSchema.shape.config_dir.safeParse(asked).data;
      if (target === undefined)
        throw new UserError(
          `${asked} is not a path inside the project, of letters, digits, _ . + - and /`,
          "name one such as config/blog",
          2,
        );
      const template = valueOrReport(readTemplate(root, site.app, path), root, "the template can't be filled");
      const values = await valuesFor(template.variables, options.set);
      const files = filesFrom(template, values);
      write(target, files, options.force === true);
      if (json === true) {
        console.log(printableJson({ config_dir: target, files: files.map(({ path }) => path) }, 2));
        return;
      }
      for (const { path } of files) console.log(printable(`+ ${target}/${path}`));
      if (site.configDirectory === target) return;
      console.log(`\nNext: name it in stacks/${environment}.yaml, below sites: ${name}:\n\n  config_dir: ${target}\n`);
      console.log("Keep it in git, without secrets: those are variables, below config.");
    });
}

/** Values given by options, then typed ones, then the template's defaults. */
async function valuesFor(variables: readonly TemplateVariable[], set: readonly string[]): Promise<Map<string, string>> {
  const names = variables.map(({ name }) => name);
  const values = new Map(set.map((text) => parseSet(text, names)));
  const open = variables.filter(({ name }) => !values.has(name));
  if (process.stdin.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    for (const { name, about, preset } of open) {
      const hint = `${about === undefined ? "" : ` (${about})`}${preset === undefined ? "" : ` [${preset}]`}`;
      const typed = await terminal.question(`${name}${hint}: `);
      values.set(name, typed === "" ? (preset ?? "") : typed);
    }
    terminal.close();
    return values;
  }
  const missing = open.filter(({ preset }) => preset === undefined);
  if (missing.length > 0) {
    const list = missing.map(({ name, about }) => (about === undefined ? name : `${name} (${about})`)).join(", ");
    throw new UserError(`no value for ${list}`, `add ${missing.map(({ name }) => `--set ${name}=VALUE`).join(" ")}`, 2);
  }
  for (const { name, preset = "" } of open) values.set(name, preset);
  return values;
}

function parseSet(text: string, names: readonly string[]): [string, string] {
  const [, name, value = ""] = /^([^=]+)=([^]*)$/.exec(text) ?? [];
  if (name === undefined) throw new UserError(`--set ${text} is not of the form NAME=VALUE`, undefined, 2);
  if (names.includes(name)) return [name, value];
  const meant = suggest(name, names);
  const known = names.length > 0 ? `its variables are ${names.join(", ")}` : "it has no variables";
  throw new UserError(`the template has no variable ${name}`, meant === undefined ? known : `did you mean ${meant}?`, 2);
}

interface NewFile {
  path: string;
  content: Buffer;
  executable: boolean;
}

function filesFrom({ files }: ConfigTemplate, values: ReadonlyMap<string, string>): NewFile[] {
  return files.map(({ path, content, executable }) => ({
    path: path.replaceAll(nameVariable, (_, name: string) => (name === "dot" ? "." : partOfName(name, values.get(name) ?? ""))),
    content: Buffer.isBuffer(content) ? content : Buffer.from(fillTemplate(content, values)),
    executable,
  }));
}

/** A value in a file's name: it must not lead anywhere else. */
function partOfName(name: string, value: string): string {
  if (/^[A-Za-z0-9_+-][A-Za-z0-9_.+-]*$/.test(value)) return value;
  throw new UserError(
    `${name} is part of a file's name, which ${JSON.stringify(value)} can't be`,
    "use letters, digits, _ . + and -",
    2,
  );
}

/** Writes all files or, if one already exists with other bytes, none. */
function write(target: string, files: readonly NewFile[], force: boolean): void {
  const differs = ({ path, content }: NewFile) => {
    const file = join(root, target, path);
    return existsSync(file) && !readFileSync(file).equals(content);
  };
  const others = files.filter(differs).map(({ path }) => `${target}/${path}`);
  if (others.length > 0 && !force)
    throw new UserError(
      `${others.join(", ")} ${others.length === 1 ? "exists" : "exist"} already, with other content`,
      "--force overwrites that",
    );
  for (const { path, content, executable } of files) {
    const file = join(root, target, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    if (executable) chmodSync(file, 0o755);
  }
}
