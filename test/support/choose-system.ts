import { imageObstacle } from "../../components/machines/image.ts";
import { systemNames } from "../../components/systems/systems.ts";
import { wantedSystem } from "./systems.ts";

/** Runs once before the node tests: where the first system's archive is out of reach, they run on Debian 12, and that is said. */
export default async function chooseSystem(): Promise<void> {
  if (wantedSystem() !== undefined) return;
  const [first] = systemNames;
  const obstacle = await imageObstacle(first);
  if (obstacle !== undefined) console.error(`Node tests run on debian-12, not on ${first}: ${obstacle.message}`);
  process.env.SILVER_TEST_OS = obstacle === undefined ? first : "debian-12";
}
