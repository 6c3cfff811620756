import type { Later } from "../text/schema/later.ts";

/** Keys of an environment that are not built yet. */
export const environmentLater: Later = {
  protected: "raise the version in the manifest whenever the app changes",
};
