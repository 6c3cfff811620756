// Which system the local nodes of stack dev run. stacks/dev.yaml declares it, so another choice is written there, and reported.
import { readFileSync, writeFileSync } from "node:fs";
import { isScalar, parseDocument } from "yaml";
import type { EnvironmentNode } from "../components/environment/environment.ts";
import { imageObstacle } from "../components/machines/image.ts";
import { MachineError } from "../components/machines/machine-error.ts";
import { isSystemName, systemNames, type SystemName } from "../components/systems/systems.ts";

/** The system of a local node when the archive of its own can't be reached. */
const fallback: SystemName = "debian-12";

type NewNode = Pick<EnvironmentNode, "name" | "os">;

/**
 * The nodes with the system that they will run: SILVER_OS, or else the declared one, or else Debian 12.
 * @param file the environment's; changed if it declares another system
 * @param nodes its local nodes that don't exist yet
 */
export async function chooseSystem(file: string, nodes: readonly NewNode[], say: (line: string) => void): Promise<NewNode[]> {
  const wanted = wantedSystem();
  const chosen: NewNode[] = [];
  for (const node of nodes) {
    const obstacle = wanted === undefined ? await imageObstacle(node.os) : undefined;
    const os = wanted ?? (obstacle === undefined ? node.os : fallback);
    chosen.push({ ...node, os });
    if (os === node.os) continue;
    writeFileSync(file, withSystem(readFileSync(file, "utf8"), node.name, os));
    const reason = obstacle === undefined ? "SILVER_OS" : obstacle.message.split("\n").join("; ");
    say(`! stacks/dev.yaml now declares os: ${os} for ${node.name}, not ${node.os} (${reason})`);
  }
  return chosen;
}

/** The system in SILVER_OS. */
export function wantedSystem(): SystemName | undefined {
  const wanted = process.env.SILVER_OS;
  if (wanted === undefined || wanted === "") return undefined;
  if (isSystemName(wanted)) return wanted;
  throw new MachineError(`SILVER_OS is "${wanted}", which is not a known system`, `choose one of ${systemNames.join(", ")}`);
}

/** The text of an environment with another system for a node; every other character stays. */
export function withSystem(text: string, node: string, os: SystemName): string {
  const value = parseDocument(text).getIn(["nodes", node, "os"], true);
  if (!isScalar(value) || !value.range) throw new Error(`the environment declares no os for ${node}`);
  const [start, end] = value.range;
  return text.slice(0, start) + os + text.slice(end);
}
