import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { convertToIni } from "../components/manifest/ini/to-ini.ts";
import { convertToYaml } from "../components/manifest/ini/to-yaml.ts";
import { decodeManifest } from "../components/manifest/read.ts";
import { issuesText } from "./issues.ts";
import { notManifest } from "./not-manifest.ts";
import { root } from "./pulumi.ts";
import { printableJson } from "../components/text/printable.ts";
import { UserError } from "./user-error.ts";

/** `silver convert FILE`: the same manifest in the other format, comments kept. */
export function convert(program: Command): void {
  program
    .command("convert <file>")
    .description("print app.ini as the app.yaml that means the same, or the other way round")
    .option("-w, --write", "write it beside the file instead; an app has one manifest, so delete the other one then")
    .action((path: string, options: { write?: boolean }) => {
      const absolute = resolve(path);
      const name = basename(path);
      if (name !== "app.ini" && name !== "app.yaml")
        throw new UserError(`${path} is not a manifest`, notManifest(name, "name an app.ini or an app.yaml"), 2);
      if (!existsSync(absolute)) throw new UserError(`${path} does not exist`, undefined, 2);
      const text = decodeManifest(readFileSync(absolute));
      const file = relative(root, absolute);
      const converted = name === "app.ini" ? convertToYaml(text, file) : convertToIni(text, file);
      const { json } = program.opts<{ json?: boolean }>();
      const target = join(absolute, "..", name === "app.ini" ? "app.yaml" : "app.ini");
      if (json === true && options.write !== true) {
        console.log(printableJson({ file: relative(root, target), ...converted }, 2));
        process.exitCode = converted.text === undefined ? 1 : 0;
        return;
      }
      if (converted.issues.length > 0) console.error(issuesText(converted.issues, root, process.stderr, () => text));
      if (converted.text === undefined) throw new UserError(`${path} can't be converted as it is`);
      if (options.write !== true) {
        process.stdout.write(converted.text);
        return;
      }
      if (existsSync(target)) throw new UserError(`${relative(process.cwd(), target)} exists already`);
      writeFileSync(target, converted.text);
      if (json === true) console.log(printableJson({ file: relative(root, target), ...converted }, 2));
      else console.log(`✓ ${relative(process.cwd(), target)} written. Now delete ${path}: an app has one manifest.`);
    });
}
