/**
 * What is not built yet → what to do instead, by the kind of file. A key listed here (by its path) is left out of the schema,
 * and so of the JSON Schema and the reference, and is refused by name; `key=value` does the same to one value of a closed list.
 * Deleting a line turns on what the schema has of it already.
 */
const NOT_YET = {
  manifest: {
    update_fetch: "fetch those pages after the rollout",
    package_install_script: "name Debian packages under packages",
    after_install_script: "do it when the runner starts",
    "services.*.type=postgis": "use the type postgres, without the extension",
    "services.*.type=mysql": "use the type postgres, or reach a server that runs already by values of config",
    "services.*.type=redis": "reach a server that runs already by values of config",
    "services.*.type=memcached": "reach a server that runs already by values of config",
    "services.*.type=couchdb": "reach a server that runs already by values of config",
    "services.*.type=mongodb": "reach a server that runs already by values of config",
    "services.*.type=rabbitmq": "reach a server that runs already by values of config",
    "services.*.type=writable_root": "use the type files, and write below CONFIG_FILES",
    "services.*.type=nfs": "use the type files",
    "check.watch": "look at silver status after the rollout",
    test: "let what it tests be part of the answer at check.path",
    migrate: "migrate by hand before the rollout, so that the old release still works",
    compatible_with_previous: "leave it out: nothing migrates yet",
    keep_data: "leave it out: nothing migrates yet",
    cron: "call a page of the site from a timer elsewhere",
    workers: "do the work within the request",
    slow: "raise timeouts.request and processes.count",
    cache: "send Cache-Control headers from the app",
    static: "send the headers from the app",
  },
  environment: {
    protected: "raise the version in the manifest whenever the app changes",
  },
} satisfies Record<string, Record<string, string>>;

/** A kind of file that people write. */
export type FileKind = keyof typeof NOT_YET;

/** What to do instead of a key (by its path) or `key=value` that is not built yet; undefined for any other. */
export function notYet(what: string, kind: FileKind = "manifest"): string | undefined {
  const later: Record<string, string> = NOT_YET[kind];
  return Object.hasOwn(later, what) ? later[what] : undefined;
}

/** Every key and `key=value` that is not built yet, with what to do instead. */
export function listNotYet(kind: FileKind = "manifest"): [what: string, instead: string][] {
  return Object.entries(NOT_YET[kind]);
}
