import { existsSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { quoteName } from "../text/quote.ts";
import { suggest } from "../text/suggest.ts";

/**
 * The environments of a project: `stacks/<name>.yaml`, sorted. Pulumi takes no other name for a stack, and in a comment one would be Markdown.
 * @param root the project's directory
 */
export function environmentNames(root: string): string[] {
  if (!existsSync(join(root, "stacks"))) return [];
  return readdirSync(join(root, "stacks"))
    .flatMap((file) => /^(?!Pulumi\.|base\.)([\w-]+)\.yaml$/.exec(file)?.[1] ?? [])
    .sort();
}

/** What to say of an environment that does not exist: the file that it would be, what is wrong, and what to do. */
export function noEnvironment(root: string, name: string): { file: string; message: string; fix: string } {
  const file = `stacks/${name}.yaml`;
  const message = `there is no environment ${quoteName(name)}: ${file} does not exist`;
  const names = environmentNames(root);
  const word = basename(name).replace(/\.ya?ml$/, "");
  const begun = names.filter((each) => word.length > 1 && each.startsWith(word));
  const meant = suggest(word, names) ?? (begun.length === 1 ? begun[0] : undefined);
  if (meant !== undefined) return { file, message, fix: `did you mean ${meant}?` };
  const others = names.length > 0 ? `the environments are: ${names.join(", ")}; or ` : "";
  return { file, message, fix: `${others}write stacks/NAME.yaml with its nodes and sites` };
}
