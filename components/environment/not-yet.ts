import type { Later } from "../text/schema/later.ts";

/** What an environment can't say yet. */
export const environmentLater: Later = {
  protected: "raise the version in the manifest whenever the app changes",
};
