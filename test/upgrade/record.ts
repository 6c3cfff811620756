// Records the state of a small stack as this version makes it: node test/upgrade/record.ts NAME → states/NAME.json.
// Run it at each release, and never again for the same name: the file stands for what people out there have.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { withProject } from "../support/project.ts";
import { recordedFiles } from "./recorded-files.ts";

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error("usage: node test/upgrade/record.ts NAME");
const project = await withProject(recordedFiles);
try {
  await project.engine.up();
  const state = await project.engine.exportState();
  // Where on this computer the program stood is nobody's business.
  const text = JSON.stringify(
    state,
    (key, value: unknown) => (key === "sourcePosition" || key === "stackTrace" ? undefined : value),
    1,
  );
  writeFileSync(join(import.meta.dirname, "states", `${name}.json`), `${text}\n`);
} finally {
  await project.remove();
}
