import type { Change, Changes } from "../components/plan/changes.ts";
import type { Plan } from "../components/plan/plan.ts";
import { packBundle } from "../components/bundle/pack.ts";
import { commitsOf, withFilesOf } from "./revision.ts";

interface Compared {
  root: string;
  /** The commit before. */
  base: string;
  /** The plan after. */
  plan: Plan;
  /** Whether its files are as git keeps them. */
  asStored: boolean;
}

/** Commits of an app in which an older bundle is looked for: a node keeps fewer. */
const mostCommits = 50;

/**
 * The changes, with those refused that bring an older version with bytes of its own. A rollout lets an older version pass only where a
 * node keeps its bundle, so its bytes stand in an earlier commit: that is what reverting a commit brings.
 */
export function judgeDowngrades(changes: Changes, compared: Compared): Changes {
  return { ...changes, changes: changes.changes.map((change) => judge(change, compared)) };
}

function judge(change: Change, { root, base, plan, asStored }: Compared): Change {
  const site = plan.sites.find(({ name }) => name === change.name);
  if (site === undefined || change.subject !== "site" || !change.notes.includes("▼ downgrade")) return change;
  const { app, version, bundle } = site;
  const isKnown = commitsOf(root, base, app, mostCommits).some((commit) =>
    withFilesOf(root, commit, (files) => packBundle(files, app, version).value?.digest === bundle.digest, {
      only: app,
      asStored,
    }),
  );
  if (isKnown) return change;
  const message = `${bundle.id} is older than what ${site.name} was, and no earlier commit has these bytes`;
  const refused = "raise the version, or bring the files back as they were";
  return { ...change, losses: [...(change.losses ?? []), { subject: "site", name: site.name, data: [], message, refused }] };
}
