import { printableLines } from "../text/printable.ts";
import { rolloutCommand } from "./command.ts";

try {
  if (!(await rolloutCommand(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${printableLines(error instanceof Error ? error.message : String(error)).join("\n")}\n`);
  process.exitCode = 1;
}
