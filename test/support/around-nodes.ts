import { imageObstacle } from "../../components/machines/image.ts";
import { removeAllNodes } from "../../components/machines/local-machine.ts";
import { systemNames } from "../../components/systems/systems.ts";
import { sayImages, sharedClone } from "./suite-clone.ts";
import { wantedSystem } from "./systems.ts";

/** Runs once around the node tests. Returns what runs after them. */
export default async function nodeTests(): Promise<() => Promise<void>> {
  const removeShared = (): Promise<void> => removeAllNodes(sharedClone(), sayImages);
  // What a killed run left.
  await removeShared();
  await chooseSystem();
  return removeShared;
}

/** Where the first system's archive is out of reach, the tests run on Debian 12, and that is said. */
async function chooseSystem(): Promise<void> {
  if (wantedSystem() !== undefined) return;
  const [first] = systemNames;
  const obstacle = await imageObstacle(first);
  if (obstacle !== undefined) console.error(`Node tests run on debian-12, not on ${first}: ${obstacle.message}`);
  process.env.SILVER_TEST_OS = obstacle === undefined ? first : "debian-12";
}
