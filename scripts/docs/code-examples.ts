import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { CodeEntry } from "../../components/text/code.ts";
import type { Issue } from "../../components/text/issue.ts";
import { readApp } from "../../components/manifest/read.ts";
import { loadPlan } from "../../components/plan/load.ts";

/** What the example of a code brings, and the text of each of its files. */
export interface ExampleRun {
  issues: Issue[];
  read: (file: string) => string | undefined;
}

/** Files that an example need not show. */
const USUAL: CodeEntry["example"] = {
  "apps/blog/src/wsgi.py": "def application(environ, start_response): ...\n",
};

/** Makes the files of an example in a directory of their own, and reads them as the program does. */
export function runExample(example: CodeEntry["example"]): ExampleRun {
  const root = mkdtempSync(join(tmpdir(), "silver-example-"));
  try {
    const files = { ...USUAL, ...Object.fromEntries(Object.entries(example).map(([name, content]) => [placeOf(name), content])) };
    const hasManifest = Object.keys(files).some((name) => name.endsWith("/app.yaml") || name.endsWith("/app.ini"));
    const all = hasManifest ? files : { ...files, "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n" };
    for (const [name, content] of Object.entries(all)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      if (typeof content === "string") writeFileSync(join(root, name), content);
      else symlinkSync(content.linkTo, join(root, name));
    }
    const { issues } = "stacks/dev.yaml" in all ? loadPlan(root, "dev") : readApp(root, "apps/blog");
    const texts = new Map(issues.map(({ place: { file } }) => [file, textOf(join(root, file))]));
    return { issues, read: (file) => texts.get(file) };
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Where a file of an example stands in a project. */
export function placeOf(name: string): string {
  if (name.startsWith("apps/")) return name;
  return name === "dev.yaml" || name === "base.yaml" ? `stacks/${name}` : `apps/blog/${name}`;
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
