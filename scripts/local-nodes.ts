// Before `pulumi up`: the images that new local nodes of stack dev need are made, and nodes that stand still are started.
import { join } from "node:path";
import { ownClone } from "../components/machines/clone.ts";
import { ensureImage } from "../components/machines/image.ts";
import { listNodes, startNode } from "../components/machines/local-machine.ts";
import { MachineError } from "../components/machines/machine-error.ts";
import { loadEnvironment } from "../components/plan/load.ts";

/** Does it, with a line a step as `action` tells them; when it has nothing to tell, there was nothing to do. */
async function step(title: string, action: (progress: (line: string) => void) => Promise<unknown>): Promise<void> {
  const told: string[] = [];
  await action((line) => {
    told.push(line);
    console.log(line);
  });
  if (told.length === 0) console.log(`✓ ${title} · cached`);
}

async function main(): Promise<void> {
  // What is wrong with the file is told by the program itself, which reads it next.
  const environment = loadEnvironment(join(import.meta.dirname, ".."), "dev").value;
  const declared = Object.values(environment?.nodes ?? {}).filter(({ machine }) => machine.kind === "local");
  const existing = await listNodes(ownClone());
  for (const os of new Set(declared.filter(({ name }) => !existing.some((node) => node.name === name)).map(({ os }) => os)))
    await step(`Node image ${os}`, (progress) => ensureImage(os, [], progress));
  for (const { name, running } of existing) {
    if (running) console.log(`✓ Node ${name} · running`);
    else await step(`Node ${name}`, (progress) => startNode(ownClone(), name, progress));
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof MachineError)) throw error;
  console.error(`✗ ${error.message}`);
  if (error.fix !== undefined) console.error(`  ${error.fix}`);
  process.exitCode = 1;
}
