// For scripts/down.sh: removes the nodes of this checkout; where other stacks are named, only those that dev alone declares.
import { join } from "node:path";
import { ownClone } from "../components/machines/clone.ts";
import { removeAllNodes } from "../components/machines/local-machine.ts";
import { MachineError } from "../components/machines/machine-error.ts";
import { loadEnvironment } from "../components/plan/load.ts";

const root = join(import.meta.dirname, "..");
const others = process.argv.slice(2);
const nodesOf = (environment: string) => Object.keys(loadEnvironment(root, environment).value?.nodes ?? {});

try {
  const kept = new Set(others.flatMap(nodesOf));
  const own = new Set(nodesOf("dev"));
  await removeAllNodes(ownClone(), console.error, (name) => others.length === 0 || (own.has(name) && !kept.has(name)));
} catch (error) {
  if (!(error instanceof MachineError)) throw error;
  console.error(`✗ ${error.message}`);
  if (error.fix !== undefined) console.error(`  ${error.fix}`);
  process.exitCode = 1;
}
