/** What every type of service is shown to do, in the order of the table in docs/services.md. */
export const aspects = [
  "created",
  "variables",
  "reads, writes",
  "second run",
  "limit",
  "apart",
  "reboot",
  "crash",
  "removed and back",
] as const;
export type Aspect = (typeof aspects)[number];

/** The test that shows it, by its file and words of its name; or the reason why there is nothing to show. */
export type Shown = { file: string; test: string } | { none: string };

const inFile =
  (file: string) =>
  (test: string): Shown => ({ file: `test/nodes/${file}.test.ts`, test });
const services = inFile("services");
const quotas = inFile("quotas");
const caches = inFile("caches");
const written = inFile("writable-root");
const heal = inFile("heal");
const postgis = inFile("postgis");
const mysql = inFile("mysql");
const rabbitmq = inFile("rabbitmq");

const external = inFile("external");

const nothingRuns: Shown = { none: "no process belongs to it" };
const keepsNothing: Shown = { none: "it keeps nothing" };

/** Type of service → where each aspect of it is shown. */
export const serviceTests: Readonly<Record<string, Readonly<Record<Aspect, Shown>>>> = {
  postgres: {
    created: services("two apps get a database and a directory each"),
    variables: services("two apps get a database and a directory each"),
    "reads, writes": services("two apps get a database and a directory each"),
    "second run": services("a second run changes nothing of a service"),
    limit: quotas("a database over its quota is read-only"),
    apart: services("neither site can access the other's data"),
    reboot: services("rows and files survive a reboot"),
    crash: heal("a killed server of a database"),
    "removed and back": services("a site that was removed and comes back has its data"),
  },
  postgis: {
    created: postgis("a database has the extensions that the manifest asks for"),
    variables: postgis("a database has the extensions that the manifest asks for"),
    "reads, writes": postgis("an app keeps places, measures and projects them"),
    "second run": postgis("a second run changes nothing"),
    limit: postgis("a database with PostGIS over its quota is read-only"),
    apart: postgis("an app makes no extension that would give it more"),
    reboot: postgis("places survive a crash and a reboot"),
    crash: postgis("places survive a crash and a reboot"),
    "removed and back": postgis("a site that was removed and comes back has its places"),
  },
  mysql: {
    created: mysql("two apps get a database each"),
    variables: mysql("two apps get a database each"),
    "reads, writes": mysql("every driver gets back what was written"),
    "second run": mysql("a second run changes nothing"),
    limit: mysql("above its quota nothing can be added"),
    apart: mysql("neither site reaches the other's server"),
    reboot: mysql("it survives a reboot"),
    crash: mysql("a crash restarts it"),
    "removed and back": mysql("a site that was removed and comes back has its rows"),
  },
  files: {
    created: services("two apps get a database and a directory each"),
    variables: services("two apps get a database and a directory each"),
    "reads, writes": services("two apps get a database and a directory each"),
    "second run": services("a second run changes nothing of a service"),
    limit: services("a full quota stops its own site's files"),
    apart: services("neither site can access the other's data"),
    reboot: services("rows and files survive a reboot"),
    crash: nothingRuns,
    "removed and back": services("a site that was removed and comes back has its data"),
  },
  writable_root: {
    created: written("a file is served in place of the app"),
    variables: written("a file is served in place of the app"),
    "reads, writes": written("a file is served in place of the app"),
    "second run": written("a second run changes nothing"),
    limit: written("a full quota stops the app's writing"),
    apart: written("no other site reaches it"),
    reboot: written("it outlives releases, a reboot, and the site's removal"),
    crash: nothingRuns,
    "removed and back": written("it outlives releases, a reboot, and the site's removal"),
  },
  redis: cache(caches("a site that was removed and comes back has what was kept")),
  memcached: cache(keepsNothing),
  rabbitmq: {
    created: rabbitmq("two apps get one each"),
    variables: rabbitmq("two apps get one each"),
    "reads, writes": rabbitmq("two apps get one each"),
    "second run": rabbitmq("a second run changes nothing"),
    limit: rabbitmq("above its quota it takes no messages"),
    apart: rabbitmq("only the site's user comes to it"),
    reboot: rabbitmq("it survives a reboot"),
    crash: rabbitmq("a crash restarts it"),
    "removed and back": rabbitmq("a site that was removed and comes back has its messages"),
  },
  external: {
    created: external("an app that ran on services of its node runs unchanged"),
    variables: external("an app that ran on services of its node runs unchanged"),
    "reads, writes": external("an app that ran on services of its node runs unchanged"),
    "second run": external("a second run changes nothing"),
    limit: { none: "whoever runs it limits it" },
    apart: external("its passwords are in no output"),
    reboot: external("after a reboot the site serves"),
    crash: external("one that goes away later is told by status"),
    "removed and back": external("back on the node, a database has what it had"),
  },
};

const standIns = "stand-ins only, in `test/agent/test_external.py`: no distribution has the server";

/** Types without a row, and what shows them instead. */
export const withoutRow: Readonly<Record<string, string>> = {
  app: "another site, asked on a node by `test/nodes/sites-asked.test.ts`",
  couchdb: standIns,
  mongodb: standIns,
  solr: standIns,
};

function cache(back: Shown): Readonly<Record<Aspect, Shown>> {
  return {
    created: caches("two apps get one of each"),
    variables: caches("two apps get one of each"),
    "reads, writes": caches("two apps get one of each"),
    "second run": caches("a second run changes nothing"),
    limit: caches("memory that is full gives way in a cache"),
    apart: caches("neither site reaches the other's"),
    reboot: caches("they survive a reboot"),
    crash: caches("a crash restarts them"),
    "removed and back": back,
  };
}
