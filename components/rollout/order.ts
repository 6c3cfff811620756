import { bundleOf } from "../plan/release-id.ts";
import { compareVersions } from "../plan/version.ts";
import type { FailureDetails } from "./failure.ts";
import type { Rollout } from "./rollout.ts";

/** What one node reported about the site when its lease was taken. */
interface Present {
  name: string;
  /** Id of the live release. */
  serves: string | null | undefined;
  /** Ids of the bundles that it keeps. */
  bundles: readonly string[];
}

/**
 * A bundle older than the live one is allowed only as a rollback, to a bundle that some node of the site keeps: an older
 * bundle that no node has seen is an outdated branch, or a version that nobody raised. Pure.
 */
export function olderThanLive({ release: { bundle, version } }: Rollout, nodes: readonly Present[]): FailureDetails[] {
  if (version === undefined || nodes.some(({ bundles }) => bundles.includes(bundle.id))) return [];
  return nodes.flatMap(({ name, serves, bundles }): FailureDetails[] => {
    const live = serves ? versionOf(bundleOf(serves)) : undefined;
    if (live === undefined || (compareVersions(version, live) ?? 0) >= 0) return [];
    const message = `version ${version} is older than ${live}, which serves, and ${bundle.id} is not one of the bundles kept there: ${bundles.join(", ")}`;
    return [{ node: name, step: "lease", code: "older", message, fix: `raise the version above ${live}, or declare a kept one` }];
  });
}

/** The version in a bundle's id, `<version>-<8 hex>`; undefined when there is none. */
function versionOf(bundle: string): string | undefined {
  return /^(.+)-[0-9a-f]{8}$/.exec(bundle)?.[1];
}
