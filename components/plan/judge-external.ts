import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import type { Manifest } from "../manifest/manifest.ts";
import type { ExternalPlace } from "../services/external.ts";
import { serviceType, serviceTypes } from "../services/registry.ts";
import type { External } from "../services/service.ts";
import { error, type Issue } from "../text/issue.ts";

/** Errors in the places of services that somebody else runs: each type has its own keys, and some types have no other place. */
export function judgeExternal({ file }: Environment, site: EnvironmentSite, manifest: Manifest): Issue[] {
  return Object.entries(manifest.services).flatMap(([name, { type }]) => {
    const given = site.services[name];
    const place = site.origins[`services.${name}`] ?? { file, ...site.place };
    const refused = (message: string, fix: string) => [error("external-service", place, message, fix)];
    const what = `service ${name} of site ${site.name}`;
    const { external, elsewhere } = serviceType(type);
    if (elsewhere === "site" && given !== undefined)
      return refused(`${what} is another site, and has no place of its own`, "delete its place");
    if (typeof given !== "object") {
      if (elsewhere !== "external") return [];
      return refused(
        `${what} is of the type ${type}, which no node runs, and the site does not say where it is`,
        howTo(name, external),
      );
    }
    if (external === undefined) {
      const able = Object.keys(serviceTypes).filter((other) => serviceType(other).external !== undefined);
      const message = `${what} is of the type ${type}, which can't be external`;
      return refused(message, `delete its place; those that can be are ${able.join(", ")}`);
    }
    const wrong = judgePlace(type, external, given.external);
    return wrong === undefined ? [] : refused(`${what} ${wrong.message}`, wrong.fix);
  });
}

const howTo = (name: string, external?: External) => {
  const keys = ["host: db.acme.net", ...(external?.needs ?? []).map((key) => `${key}: …`)];
  return `write services: {${name}: {external: {${keys.join(", ")}}}}, or {external: {url: {secret: 1}}}`;
};

type Key = keyof ExternalPlace;

function judgePlace(type: string, external: External, place: ExternalPlace): { message: string; fix: string } | undefined {
  const { takes, needs, nameForm } = external;
  const given = Object.keys(place) as Key[];
  const known: Key[] = ["url", "host", "port", "version", ...takes];
  const [unknown] = given.filter((key) => !known.includes(key));
  if (unknown !== undefined)
    return { message: `has the key ${unknown}, which the type ${type} does not take`, fix: `its keys are ${known.join(", ")}` };
  if (place.url !== undefined) {
    const beside = given.filter((key) => !["url", "tls", "version"].includes(key));
    if (beside.length === 0) return undefined;
    return {
      message: `has a url and ${beside.join(", ")} beside it`,
      fix: `write ${beside.join(", ")} into the url, or delete the url`,
    };
  }
  const missing = (["host", ...needs] as const).filter((key) => place[key] === undefined);
  if (missing.length > 0)
    return { message: `has an external place without ${missing.join(", ")}`, fix: `add ${missing.join(", ")}, or give a url` };
  if (place.name !== undefined && nameForm !== undefined && !nameForm.pattern.test(place.name))
    return { message: `has the name ${place.name}: it must be ${nameForm.must}`, fix: "correct it" };
  return undefined;
}
