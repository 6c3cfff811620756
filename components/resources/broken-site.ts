import { local } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { placeText } from "../text/code-frame.ts";
import { isError } from "../text/issue.ts";
import type { BrokenSite as Broken } from "../plan/plan.ts";
import type { Site } from "./site.ts";

export interface BrokenSiteArgs {
  site: Broken;
  /** What is wrong with it, as people read it. */
  told: string;
  /** The sites that go on. */
  others: readonly Site[];
}

/**
 * A site of which something is wrong, under its own name: left out, it would be taken for one that is to be removed. Its
 * command only fails, and touches no node; so Pulumi keeps what was declared of it before, and the update ends non-zero.
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
        // Without --continue-on-error its failure ends the update: the others have had their turn by then.
        dependsOn: [...others],
        // Nothing is known of them: a reviewer must not read that they go.
        ignoreChanges: ["environment", "stdin", "delete"],
      },
    );
    this.registerOutputs({});
  }
}

/** What a reviewer reads stands in its head, as in that of a node's command. */
function failing({ name, issues }: Broken): string {
  const places = issues.filter(isError).map(({ code, place }) => `${placeText(place)} [${code}]`);
  return [
    ...[...new Set(places)].map((place) => `# broken: ${place}`),
    `echo 'site ${name} stays as it is: see above for what is wrong with it' >&2`,
    "exit 1",
  ].join("\n");
}
