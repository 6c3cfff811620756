import { local } from "@pulumi/command";
import { PROTECTION } from "../rollout/protection.ts";
import type { BrokenSite } from "./broken-site.ts";
import type { Site } from "./site.ts";

/**
 * Holds a protected environment together. It depends on every site, so `pulumi destroy` begins with it, and its command refuses to go:
 * otherwise sites without data, which may be removed one by one, would have gone before Pulumi finds what is marked.
 */
export function protect(environment: string, sites: readonly (Site | BrokenSite)[]): void {
  new local.Command(
    PROTECTION,
    {
      create: "true",
      delete: `node ../components/rollout/keep.ts ${environment}`,
      addPreviousOutputInEnv: false,
      logging: local.Logging.Stderr,
    },
    { dependsOn: [...sites] },
  );
}
