import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Command } from "commander";
import { renderIssues } from "../components/text/code-frame.ts";
import { convertToIni } from "../components/manifest/ini/to-ini.ts";
import { convertToYaml } from "../components/manifest/ini/to-yaml.ts";
import { decodeManifest } from "../components/manifest/read.ts";
import { root } from "./pulumi.ts";
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
        throw new UserError(`${path} is not a manifest`, "name an app.ini or an app.yaml", 2);
      if (!existsSync(absolute)) throw new UserError(`${path} does not exist`, undefined, 2);
      const text = decodeManifest(readFileSync(absolute));
      const file = relative(root, absolute);
      const converted = name === "app.ini" ? convertToYaml(text, file) : convertToIni(text, file);
      if (converted.issues.length > 0)
        console.error(renderIssues(converted.issues, () => text, { colour: process.stderr.isTTY }));
      if (converted.text === undefined) throw new UserError(`${path} can't be converted as it is`);
      if (options.write !== true) {
        process.stdout.write(converted.text);
        return;
      }
      const target = join(absolute, "..", name === "app.ini" ? "app.yaml" : "app.ini");
      if (existsSync(target)) throw new UserError(`${relative(process.cwd(), target)} exists already`);
      writeFileSync(target, converted.text);
      console.log(`✓ ${relative(process.cwd(), target)} written. Now delete ${path}: an app has one manifest.`);
    });
}
