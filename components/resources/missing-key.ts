import { existsSync, readFileSync } from "node:fs";
import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/**
 * Warns where no key in the SSH agent opens this checkout's local nodes: the command plugin would end with "attempted methods [none]".
 * Asks the command plugin, because its agent is the one that counts.
 * @param publicKey file of the only key that the nodes accept; in a fresh clone it does not exist yet
 */
export async function tellMissingKey(publicKey: string): Promise<void> {
  const { stdout } = await local.run({ command: "ssh-add -L 2>/dev/null || true", logging: local.Logging.None });
  const [, key] = existsSync(publicKey) ? readFileSync(publicKey, "utf8").split(" ") : [];
  if (key !== undefined && stdout.includes(key)) return;
  await pulumi.log.warn(`no key in the SSH agent of this shell opens the local nodes, so none of them can be set up
  eval "$(sh scripts/env.sh)"`);
}
