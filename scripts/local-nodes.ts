// Before `pulumi up`: chooses the system of new local nodes of stack dev, builds the images they need, and starts stopped nodes.
import { join } from "node:path";
import { ownClone } from "../components/machines/clone.ts";
import { ensureImage } from "../components/machines/image.ts";
import { listNodes, startNode } from "../components/machines/local-machine.ts";
import { MachineError } from "../components/machines/machine-error.ts";
import { loadEnvironment } from "../components/plan/load.ts";
import { chooseSystem, wantedSystem } from "./dev-system.ts";

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
  // The program itself, which reads the file next, reports its errors.
  const root = join(import.meta.dirname, "..");
  const environment = loadEnvironment(root, "dev").value;
  const declared = Object.values(environment?.nodes ?? {}).filter(({ machine }) => machine.kind === "local");
  const existing = await listNodes(ownClone());
  const wanted = wantedSystem();
  const other = existing.find(({ os }) => wanted !== undefined && os !== wanted);
  if (other !== undefined)
    throw new MachineError(
      `SILVER_OS is ${wanted ?? ""}, and node ${other.name} runs ${other.os}`,
      "npm run down removes it, with its data",
    );
  const absent = declared.filter(({ name }) => !existing.some((node) => node.name === name));
  const chosen = await chooseSystem(join(root, "stacks/dev.yaml"), absent, console.log);
  for (const os of new Set(chosen.map(({ os }) => os)))
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
