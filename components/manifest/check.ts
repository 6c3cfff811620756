import { error, type Issue } from "../text/issue.ts";
import { notYet } from "./not-yet.ts";
import { platformOf, platforms } from "../platforms/registry.ts";
import { quote } from "../text/quote.ts";
import type { ManifestTree } from "./schema.ts";
import { serviceType, serviceTypeOf, serviceTypes } from "../services/registry.ts";
import type { Source } from "../text/source.ts";
import { suggest } from "../text/suggest.ts";

/** Checks across the fields of a manifest; `tree` has the keys that are valid on their own. */
export function checkManifest(tree: Partial<ManifestTree>, source: Source): Issue[] {
  return [...platforms[platformOf(tree)].judge(tree, source), ...checkServices(tree, source), ...checkMigration(tree, source)];
}

function checkServices({ services = {} }: Partial<ManifestTree>, source: Source): Issue[] {
  return Object.entries(services).flatMap(([name, { type = serviceTypeOf(name), options }]) => {
    const path = ["services", name];
    if (type === undefined) return [missingType(name, source)];
    const known = Object.keys(serviceType(type).options);
    return Object.keys(options)
      .filter((option) => !known.includes(option))
      .map((option) => {
        const fix = known.length > 0 ? `its options are ${known.join(", ")}` : "it has no options";
        return error(
          "unknown-key",
          source.placeOf([...path, option], "key"),
          `${quote(option)} is not an option of a service of the type ${type}`,
          fix,
        );
      });
  });
}

function missingType(name: string, source: Source): Issue {
  const place = source.placeOf(["services", name], "key");
  const label = source.nameOf(["services", name]);
  const later = notYet(`services.*.type=${name}`);
  if (later !== undefined) return error("not-yet", place, `${label}: a service of the type ${name} is not built yet`, later);
  const types = Object.keys(serviceTypes);
  const meant = suggest(name, types);
  return error(
    "missing-key",
    place,
    `${label} has no type, and ${name} is not a type`,
    meant === undefined ? `give it a type: ${types.join(", ")}` : `did you mean ${meant}?`,
  );
}

/** A migration changes data, so there must be some. */
function checkMigration({ migrate, services = {} }: Partial<ManifestTree>, source: Source): Issue[] {
  if (migrate === undefined) return [];
  const types = Object.entries(services).map(([name, { type }]) => type ?? serviceTypeOf(name));
  if (types.some((type) => type !== undefined && serviceType(type).keepsData !== false)) return [];
  return [
    error(
      "no-data",
      source.placeOf(["migrate"], "key"),
      "there is a migration, but no service that keeps data",
      "add the service whose data it migrates, or delete migrate",
    ),
  ];
}
