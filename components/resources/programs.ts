import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

/** What rollouts start where Pulumi runs, and the package of Debian and Ubuntu that brings it. */
const needed = { ssh: "openssh-client", rsync: "rsync" };

/**
 * Warns of programs that rollouts will not find, so that a preview shows them. Not an error: a preview alone needs none of them.
 * The command plugin is asked, because it is what starts rollouts.
 */
export async function tellMissingPackages(): Promise<void> {
  const questions = Object.entries(needed).map(([program, name]) => `command -v ${program} >/dev/null || echo ${name}`);
  const { stdout } = await local.run({ command: questions.join("\n"), logging: local.Logging.None });
  if (stdout === "") return;
  const names = stdout.split("\n");
  await pulumi.log.warn(`missing on this computer: ${names.join(", ")}; no site can be rolled out without them
  apt-get install ${names.join(" ")}`);
}
