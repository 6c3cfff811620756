import { checkManifest } from "./check.ts";
import { parseIni } from "./ini/read.ts";
import { byPlace, isError, type Parsed, type Place } from "../text/issue.ts";
import { judge } from "../text/schema/judge.ts";
import type { ConfigRequest, Manifest, ServiceRequest } from "./manifest.ts";
import { platformOf } from "../platforms/registry.ts";
import { manifestLater } from "./not-yet.ts";
import { manifestSchema, type ManifestTree } from "./schema.ts";
import type { Path } from "../text/source.ts";
import { serviceTypeOf } from "../services/registry.ts";
import { tooLarge } from "../text/too-large.ts";
import { readYaml } from "../text/yaml.ts";

/** Keys outside the schema: keys to come, and keys of app.ini that have another name in app.yaml. */
const hints = {
  later: manifestLater,
  otherNames: new Map([
    ["app_name", "name"],
    ["service", "services"],
    ["worker", "workers"],
  ]),
};

/** Longest manifest, in characters: ten times one with every key, and read within 50 ms. */
export const CHARACTERS_MAX = 16 * 1024;

/**
 * Reads a manifest. The name of the file says the format: `.ini`, or else YAML.
 * @param file path of the manifest, relative to the project's root
 * @returns the manifest with every default filled in, or all its issues
 */
export function parseManifest(text: string, file: string): Parsed<Manifest> {
  const { value, issues } = examineManifest(text, file);
  return value === undefined ? { issues } : { value, issues };
}

/** What was read of a manifest, even an invalid one: for checks of the app's files that follow. */
export interface ExaminedManifest extends Parsed<Manifest> {
  /** The keys that are valid on their own. */
  parts: Partial<ManifestTree>;
  /** Position of a key's value, by its path. */
  placeOf: (path: Path) => Place;
}

/** Like `parseManifest`, with the parts of a manifest that is invalid as a whole. */
export function examineManifest(text: string, file: string): ExaminedManifest {
  const large = tooLarge(text, file, CHARACTERS_MAX);
  if (large) return { issues: [large], parts: {}, placeOf: () => large.place };
  const source = file.endsWith(".ini") ? parseIni(text, file) : readYaml(text, file);
  const { value: tree, issues: judged, parts } = judge(manifestSchema, source, hints);
  const issues = byPlace([...judged, ...checkManifest(parts, source)]);
  const placeOf = (path: Path) => source.placeOf(path, "value");
  if (tree === undefined || issues.some(isError)) return { issues, parts, placeOf };
  return { value: toManifest(tree, file), issues, parts, placeOf };
}

function toManifest(tree: ManifestTree, file: string): Manifest {
  const {
    default_location: defaultLocation,
    php_root: phpRoot,
    package_install_script: before = [],
    after_install_script: after = [],
    update_fetch: updateFetch = [],
    compatible_with_previous: compatibleWithPrevious = false,
    keep_data: keepDataSeconds = 72 * 3600,
    services = {},
    config,
    ...same
  } = tree;
  return {
    ...same,
    file,
    platform: platformOf(tree),
    ...(phpRoot === undefined ? {} : { phpRoot }),
    ...(defaultLocation === undefined ? {} : { defaultLocation }),
    installScripts: { before, after },
    config: toConfig(config),
    services: Object.fromEntries(Object.entries(services).map(([name, service]) => [name, toRequest(name, service)])),
    updateFetch,
    compatibleWithPrevious,
    keepDataSeconds,
  };
}

function toConfig({ required, default: preset, ...rest }: ManifestTree["config"]): ConfigRequest {
  return {
    ...rest,
    required: required === true ? {} : required,
    directoryRequired: required === true,
    default: typeof preset === "string" ? {} : preset,
    ...(typeof preset === "string" ? { defaultDirectory: preset } : {}),
  };
}

function toRequest(
  name: string,
  { type = serviceTypeOf(name) ?? name, options }: { type?: string; options: Record<string, string> },
): ServiceRequest {
  return { type, options };
}
