import { isMap } from "../text/value.ts";
import { error, type Issue } from "../text/issue.ts";
import { notYet } from "./not-yet.ts";
import { platformOf } from "./platform.ts";
import { quote } from "../text/quote.ts";
import type { ManifestTree } from "./schema.ts";
import { serviceTypeOf, serviceTypes, type ServiceType } from "../services/service-types.ts";
import type { Source } from "../text/source.ts";
import { suggest } from "../text/suggest.ts";

/** What no field of a manifest can tell alone; `tree` has the keys that are right on their own. */
export function checkManifest(tree: Partial<ManifestTree>, source: Source): Issue[] {
  return [...checkPlatform(tree, source), ...checkServices(tree, source), ...checkMigration(tree, source)];
}

/** Keys that only running code has a use for. */
const OF_CODE = ["runner", "php_root", "packages", "services", "config", "processes"];

/** A key that would do nothing is a mistake of its writer, and so is a runner that the platform can't run. */
function checkPlatform(tree: Partial<ManifestTree>, source: Source): Issue[] {
  const platform = platformOf(tree);
  if (platform === "static") return checkStatic(source);
  return platform === "php" ? checkPhp(tree, source) : checkPython(tree, source);
}

function checkStatic(source: Source): Issue[] {
  if (!isMap(source.tree)) return [];
  const given = source.tree;
  return OF_CODE.filter((key) => Object.hasOwn(given, key)).map((key) =>
    error(
      "static-app",
      source.placeOf([key], "key"),
      `${source.nameOf([key])} has no effect: an app of the platform static runs no code`,
      `delete it, or the platform`,
    ),
  );
}

function checkPython({ runner, php_root: phpRoot }: Partial<ManifestTree>, source: Source): Issue[] {
  const issues: Issue[] = [];
  if (runner?.endsWith(".php") === true) {
    const message = `runner is "${runner}", and the platform is python`;
    issues.push(phpIssue(["runner"], message, "delete the platform: the runner tells it", source));
  }
  if (phpRoot !== undefined) {
    issues.push(phpIssue(["php_root"], "php_root has no effect: the platform is python", "delete it, or the platform", source));
  }
  return issues;
}

function checkPhp({ runner, platform, php_root: phpRoot, processes, config }: Partial<ManifestTree>, source: Source): Issue[] {
  const issues: Issue[] = [];
  if (runner?.endsWith(".py") === true) {
    const told = [...(platform === undefined ? [] : ["the platform"]), ...(phpRoot === undefined ? [] : ["php_root"])];
    const fix = `name a file that ends in .php, or delete ${told.join(" and ")}`;
    issues.push(phpIssue(["runner"], `runner is "${runner}", and the platform is php`, fix, source));
  }
  if (processes !== undefined && processes.threads > 1) {
    const path = ["processes", "threads"];
    const message = `${source.nameOf(path)} is ${processes.threads}, and a process of PHP serves one request at once`;
    issues.push(phpIssue(path, message, "raise processes.count instead", source));
  }
  if (config?.checker?.endsWith(".php") === false) {
    const path = ["config", "checker"];
    const message = `${source.nameOf(path)} is "${config.checker}", and an app in PHP is checked by a script in PHP`;
    issues.push(phpIssue(path, message, "name a file that ends in .php", source));
  }
  return issues;
}

function phpIssue(path: string[], message: string, fix: string, source: Source): Issue {
  return error("php-app", source.placeOf(path, "value"), message, fix);
}

function checkServices({ services = {} }: Partial<ManifestTree>, source: Source): Issue[] {
  return Object.entries(services).flatMap(([name, { type = serviceTypeOf(name), options }]) => {
    const path = ["services", name];
    if (type === undefined) return [missingType(name, source)];
    const known = Object.keys((serviceTypes[type] as ServiceType).options);
    return Object.keys(options)
      .filter((option) => !known.includes(option))
      .map((option) => {
        const fix = known.length > 0 ? `its options are ${known.join(", ")}` : "it has no options";
        return error(
          "unknown-key",
          source.placeOf([...path, option], "key"),
          `${quote(option)} is no option of a service of the type ${type}`,
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
    `${label} has no type, and ${name} is none`,
    meant === undefined ? `give it a type: ${types.join(", ")}` : `did you mean ${meant}?`,
  );
}

/** A migration changes data; so there must be some. */
function checkMigration({ migrate, services = {} }: Partial<ManifestTree>, source: Source): Issue[] {
  if (migrate === undefined) return [];
  const types = Object.entries(services).map(([name, { type }]) => type ?? serviceTypeOf(name));
  if (types.some((type) => type !== undefined && serviceTypes[type].keepsData)) return [];
  return [
    error(
      "no-data",
      source.placeOf(["migrate"], "key"),
      "there is a migration, and no service that keeps data",
      "add the service whose data it migrates, or delete migrate",
    ),
  ];
}
