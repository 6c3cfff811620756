import { insteadOf, type Later } from "../text/schema/later.ts";

/** Keys of a manifest that are not built yet. */
export const manifestLater: Later = {
  update_fetch: "have the runner do that as it starts; a page can be requested after silver up (curl)",
  package_install_script: "name Debian packages under packages",
  after_install_script: "do that when the runner starts",
  "services.*.type=nfs": "use the type files",
  "check.watch": "check silver status after the rollout",
  test: "test the same in what answers check.path",
  migrate: "have the runner migrate as it starts, with a lock, so that the old release still works (docs/services.md, postgres)",
  compatible_with_previous: "leave it out: nothing migrates yet",
  keep_data: "leave it out: nothing migrates yet",
  slow: "raise timeouts.request and processes.count",
  cache: "send Cache-Control headers from the app",
  static: "send the headers from the app",
};

/** What to do instead of a key of a manifest (by its path) or `key=value` that is not built yet; undefined for any other. */
export function notYet(what: string): string | undefined {
  return insteadOf(manifestLater, what);
}
