import { regexLiteral } from "../../text/literals.ts";
import { apacheDirectory, prefixOf } from "../apache.ts";
import { capacity } from "../capacity.ts";
import type { ApacheParts, Served } from "../platform.ts";
import { answerSeconds, queueSeconds, shutdownSeconds } from "../request-limits.ts";

const wsgiGroup = "app";
/** Seconds after which a process that is to be replaced ends although it was never idle, while the next one serves already. */
const evictionSeconds = 600;
const script = "@ROOT@/conf/wsgi.py";
/** Where the app is mounted, for conf/wsgi.py. */
const mountVariable = "SILVER_MOUNT";

/** Python's part of Apache: mod_wsgi in daemon mode. */
export const pythonApache: ApacheParts = {
  modules: ["wsgi"],
  // At level info mod_wsgi logs where a process was when its request timed out.
  logLevels: "warn wsgi:info",
  server: daemon,
  host: () => [],
  // A WSGIScriptAlias would look for a file with the whole path in its name, which ends at 4 kB. conf/wsgi.py finds the rest of the
  // path in the request itself.
  mount: (_, path) => {
    const prefix = prefixOf(path);
    const flags = `H=wsgi-script,E=${mountVariable}:${prefix}`;
    return [`RewriteRule "(?s)^${regexLiteral(prefix)}(/.*)?$" "${script}" "[L,${flags}]"`];
  },
};

function daemon(site: Served): string[] {
  const { processes, timeouts } = site;
  const options: Record<string, string | number> = {
    // One waits without the app, to take over from one that is to be replaced.
    processes: processes.count + 1,
    threads: processes.threads,
    "request-timeout": timeouts.requestSeconds,
    "startup-timeout": timeouts.startSeconds,
    "queue-timeout": queueSeconds,
    "connect-timeout": 5,
    "socket-timeout": answerSeconds(site),
    "deadlock-timeout": 10,
    "shutdown-timeout": shutdownSeconds,
    "eviction-timeout": evictionSeconds,
    "memory-limit": processes.memoryBytes,
    // As many wait for a process as Varnish lets through.
    "listen-backlog": capacity(processes).connections,
    // One header; conf/wsgi.py sees to their sum.
    "header-buffer-size": 65536,
    home: '"@ROOT@/app"',
    // The language is the unit's, which the site's config may set.
    locale: "C.UTF-8",
    "display-name": "%{GROUP}",
    // Before the system's packages, including .pth files; conf/wsgi.py puts the app's own directories before it.
    ...(site.libraries === undefined ? {} : { "python-path": '"@ROOT@/wheels"' }),
  };
  return [
    "# An answer is left as the wrapper framed it: Varnish cuts ranges out.",
    '<Directory "@ROOT@/conf">',
    "  MaxRanges none",
    "</Directory>",
    "WSGIRestrictEmbedded On",
    `WSGISocketPrefix "${apacheDirectory}/wsgi"`,
    "# A release never changes: a new one is a new Apache.",
    "WSGIScriptReloading Off",
    "WSGIPassAuthorization On",
    `WSGIDaemonProcess ${wsgiGroup} \\`,
    Object.entries(options)
      .map(([name, value]) => `  ${name}=${value}`)
      .join(" \\\n"),
    `WSGIProcessGroup ${wsgiGroup}`,
    "WSGIApplicationGroup %{GLOBAL}",
    `WSGIImportScript "${script}" process-group=${wsgiGroup} application-group=%{GLOBAL}`,
    '<Directory "@ROOT@/conf">',
    "  Options ExecCGI",
    "</Directory>",
  ];
}
