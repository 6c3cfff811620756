import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** Programs that rollouts start where Pulumi runs, and their package in Debian and Ubuntu. */
const needed = { ssh: "openssh-client", rsync: "rsync" };

/**
 * Warns in a preview about programs that rollouts will not find. Not an error: a preview alone needs none of them.
 * Asks the command plugin, because it starts the rollouts.
 */
export async function tellMissingPackages(): Promise<void> {
  const questions = Object.entries(needed).map(([program, name]) => `command -v ${program} >/dev/null || echo ${name}`);
  const { stdout } = await local.run({ command: questions.join("\n"), logging: local.Logging.None });
  if (stdout === "") return;
  const names = stdout.split("\n");
  await pulumi.log.warn(`missing on this computer: ${names.join(", ")}; no site can be rolled out without them
  apt-get install ${names.join(" ")}`);
}
