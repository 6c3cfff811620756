import { enableCompileCache } from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

// Half of the start is reading TypeScript: kept compiled, and only where nobody else can write. What can't be kept is read again.
enableCompileCache(join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "silverlining/node-compile-cache"));
const { runCommand } = await import("./command.ts");

try {
  if (!(await runCommand(process.argv.slice(2)))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
