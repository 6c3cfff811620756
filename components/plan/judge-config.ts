import type { Environment, EnvironmentSite } from "../environment/environment.ts";
import { warning, type Issue } from "../text/issue.ts";
import type { Manifest } from "../manifest/manifest.ts";

/** Warns about a configuration directory that the environment gives a site whose manifest asks for none. */
export function judgeConfigDirectory(environment: Environment, site: EnvironmentSite, { config, file }: Manifest): Issue[] {
  const asked = [config.defaultDirectory, config.template, config.checker].some((each) => each !== undefined);
  if (site.configDirectory === undefined || config.directoryRequired || asked) return [];
  const place = site.origins.config_dir ?? { file: environment.file, ...site.place };
  const message = `site ${site.name} has a configuration directory, but ${file} does not ask for one`;
  const fix = "delete it, or write config: {required: true} there";
  return [warning("undeclared-config", place, message, fix)];
}

/**
 * Warns about a variable that the environment sets for sites none of whose manifests know it: usually a typo.
 * One set for all sites at once may be unknown to some of them.
 */
export function judgeConfig(environment: Environment, sites: { site: EnvironmentSite; manifest: Manifest }[]): Issue[] {
  const set = sites.flatMap(({ site, manifest }) =>
    Object.keys(site.config).map((name) => {
      const place = site.origins[`config.${name}`] ?? { file: environment.file, ...site.place };
      const known = Object.hasOwn(manifest.config.required, name) || Object.hasOwn(manifest.config.default, name);
      return { name, place, known, file: manifest.file };
    }),
  );
  return [...Map.groupBy(set, ({ name, place }) => JSON.stringify([name, place])).values()].flatMap((uses): Issue[] => {
    const [first] = uses;
    if (first === undefined || uses.some(({ known }) => known)) return [];
    const files = [...new Set(uses.map(({ file }) => file))];
    const message = `config ${first.name} is not in ${files.join(" or in ")}`;
    return [warning("undeclared-config", first.place, message, "delete it, or declare it there")];
  });
}
