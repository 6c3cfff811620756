import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { readInside, refusalIssue, walkInside } from "../text/files.ts";
import { iniValue, parseIniDocument } from "../text/ini-document.ts";
import { error, type Issue, type Parsed } from "../text/issue.ts";
import { parseTemplate, type TemplateText } from "./template-text.ts";

/** What `config.template` names: files to fill in, and the variables they need. */
export interface ConfigTemplate {
  files: TemplateFile[];
  /** Sorted by name. */
  variables: TemplateVariable[];
}

export interface TemplateFile {
  /** Below the configuration directory; +name+ is a variable. */
  path: string;
  content: Buffer | TemplateText;
  executable: boolean;
}

export interface TemplateVariable {
  name: string;
  /** What it is for. */
  about?: string;
  preset?: string;
}

/** Names of files, as Silver Lining read them: `+name+` is a variable, `+dot+` a dot. */
export const nameVariable = /\+([A-Za-z_][A-Za-z0-9_]*)\+/g;

/** Bytes of a template: what is made of it travels in a configuration directory, which has no more. */
const mostTemplate = 1024 ** 2;

/**
 * Reads a directory of templates by Silver Lining's rules: a `.tmpl` file is a template and loses that ending, other
 * files are copied, those that begin with a dot are left out; `[variables]` in template.ini says what each variable is for.
 * @param root the project's directory
 * @param app directory of the app, relative to it
 * @param below path of the templates in the app
 */
export function readTemplate(root: string, app: string, below: string): Parsed<ConfigTemplate> {
  const directory = `${app}/${below}`;
  const issues: Issue[] = [];
  const files: TemplateFile[] = [];
  const found = new Map<string, TemplateVariable>();
  const know = (variable: TemplateVariable) => found.set(variable.name, { ...found.get(variable.name), ...variable });
  for (const path of filesBelow(join(root, app), below)) {
    const file = `${directory}/${path}`;
    const bytes = readInside(join(root, app), `${below}/${path}`, mostTemplate);
    if (typeof bytes === "string") {
      issues.push(refusalIssue(bytes, file, mostTemplate));
      continue;
    }
    if (path === "template.ini") {
      for (const variable of describedIn(bytes.toString(), file, issues)) know(variable);
      continue;
    }
    for (const [, name = ""] of path.matchAll(nameVariable)) if (name !== "dot") know({ name });
    const executable = (statSync(join(root, file)).mode & 0o100) !== 0;
    if (!path.endsWith(".tmpl")) {
      files.push({ path, content: bytes, executable });
      continue;
    }
    const { value: content, issues: wrong } = parseTemplate(bytes.toString(), file);
    issues.push(...wrong);
    if (content === undefined) continue;
    files.push({ path: path.slice(0, -".tmpl".length), content, executable });
    for (const part of content.parts) if (typeof part !== "string") know({ name: part.variable });
    for (const [name, preset] of Object.entries(content.defaults)) know({ name, preset });
  }
  if (files.length === 0 && issues.length === 0) {
    const message = `${directory} has no file that silver config create could make`;
    issues.push(error("missing-file", { file: directory }, message, "add one; those that begin with a dot do not count"));
  }
  const variables = [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  return issues.length > 0 ? { issues } : { value: { files, variables }, issues };
}

/** Paths of plain files, sorted, with forward slashes. */
function filesBelow(app: string, directory: string): string[] {
  return walkInside(app, directory)
    .filter(({ path, isFile }) => isFile && !basename(path).startsWith("."))
    .map(({ path }) => path)
    .sort();
}

function describedIn(text: string, file: string, issues: Issue[]): TemplateVariable[] {
  const { sections, issues: wrong } = parseIniDocument(text, file, "variables");
  issues.push(...wrong);
  const entries = sections.filter(({ name }) => name === "variables").flatMap((section) => section.entries);
  return entries.map((entry) => ({ name: entry.key, about: iniValue(entry).replace(/\s+/g, " ").trim() }));
}
