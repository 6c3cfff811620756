import { rolloutCommand } from "./command.ts";

try {
  if (!(await rolloutCommand(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
