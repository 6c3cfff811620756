import * as pulumi from "@pulumi/pulumi";
import { error, type Issue } from "../text/issue.ts";
import type { Plan, SitePlan } from "../plan/plan.ts";
import { allSecrets, secretKey } from "../plan/secret-key.ts";

/**
 * Secrets that a plan names and the stack's configuration lacks. Looks only at names, before anything is registered.
 * @param stack name of the stack, in whose file the secret must be set
 */
export function missingSecrets(plan: Plan, stack: string): Issue[] {
  const known = new Set(Object.keys(JSON.parse(pulumi.runtime.getConfig(`${pulumi.getProject()}:secrets`) ?? "{}") as object));
  return plan.sites.flatMap((site) =>
    Object.entries(allSecrets(site))
      .filter(([name, version]) => !known.has(secretKey(site.name, name, version)))
      .map(([name, version]) =>
        error(
          "missing-secret",
          { file: `stacks/${stack}.yaml` },
          `site "${site.name}" names version ${version} of the secret ${name}, which stacks/Pulumi.${stack}.yaml does not have`,
          `silver secret set ${site.name} ${name} -e ${stack}, or pulumi config set --secret --path 'secrets["${secretKey(site.name, name, version)}"]' --stack ${stack}`,
        ),
      ),
  );
}

/** The values of a site's secrets: an Output that stays secret all the way into a command's stdin. */
export function secretsOf(site: SitePlan): pulumi.Output<Record<string, string>> {
  const names = Object.entries(allSecrets(site));
  if (names.length === 0) return pulumi.output<Record<string, string>>({});
  const all = new pulumi.Config().requireSecretObject<Record<string, string>>("secrets");
  return all.apply((values) =>
    Object.fromEntries(names.map(([name, version]) => [name, values[secretKey(site.name, name, version)] ?? ""])),
  );
}
