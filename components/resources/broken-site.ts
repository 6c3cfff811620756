import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { placeText } from "../text/code-frame.ts";
import { isError } from "../text/issue.ts";
import { printable } from "../text/printable.ts";
import type { BrokenSite as Broken } from "../plan/plan.ts";
import type { Site } from "./site.ts";

export interface BrokenSiteArgs {
  site: Broken;
  /** Its issues, as text for people. */
  told: string;
  /** The sites that proceed. */
  others: readonly Site[];
}

/**
 * A broken site, under its own name: if it were left out, it would be removed. Its command only fails, and touches no node;
 * so Pulumi keeps what was declared before, and the update ends non-zero.
 */
export class BrokenSite extends pulumi.ComponentResource {
  constructor(name: string, { site, told, others }: BrokenSiteArgs, options?: pulumi.ComponentResourceOptions) {
    super("silver:resources:Site", name, {}, options);
    void pulumi.log.error(told, this);
    new local.Command(
      `${name}-rollout`,
      { create: failing(site), addPreviousOutputInEnv: false, logging: local.Logging.Stderr },
      {
        parent: this,
        // Without --continue-on-error its failure ends the update: run it after the others.
        dependsOn: [...others],
        // Nothing is known about them: a reviewer must not see them removed.
        ignoreChanges: ["environment", "stdin", "delete"],
      },
    );
    this.registerOutputs({});
  }
}

/** Begins with what a reviewer reads, like a node's command. A file's name is any text: with a line end in it, it would be run. */
function failing({ name, issues }: Broken): string {
  const places = issues.filter(isError).map(({ code, place }) => printable(`${placeText(place)} [${code}]`));
  return [
    ...[...new Set(places)].map((place) => `# broken: ${place}`),
    `echo 'site ${name} stays as it is: see above for what is wrong with it' >&2`,
    "exit 1",
  ].join("\n");
}
