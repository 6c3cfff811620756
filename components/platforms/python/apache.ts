import { apacheString } from "../../text/literals.ts";
import type { ApacheParts, Served } from "../platform.ts";
import { answerSeconds, queueSeconds, shutdownSeconds } from "../request-limits.ts";

const wsgiGroup = "app";

/** Python's part of Apache: mod_wsgi in daemon mode. */
export const pythonApache: ApacheParts = {
  modules: ["wsgi"],
  // At level info mod_wsgi logs where a process was when its request timed out.
  logLevels: "warn wsgi:info",
  server: daemon,
  host: () => [],
  mount: (_, path) => [
    `WSGIScriptAlias ${apacheString(path)} "@ROOT@/conf/wsgi.py" process-group=${wsgiGroup} application-group=%{GLOBAL}`,
  ],
};

function daemon(site: Served): string[] {
  const { processes, timeouts } = site;
  const options: Record<string, string | number> = {
    processes: processes.count,
    threads: processes.threads,
    "request-timeout": timeouts.requestSeconds,
    "startup-timeout": timeouts.startSeconds,
    "queue-timeout": queueSeconds,
    "connect-timeout": 5,
    "socket-timeout": answerSeconds(site),
    "deadlock-timeout": 10,
    "shutdown-timeout": shutdownSeconds,
    "graceful-timeout": 15,
    "eviction-timeout": 15,
    "maximum-requests": processes.requests,
    "memory-limit": processes.memoryBytes,
    "listen-backlog": 128,
    home: '"@ROOT@/app"',
    lang: "C.UTF-8",
    locale: "C.UTF-8",
    "display-name": "%{GROUP}",
    // Before the system's packages, including .pth files; conf/wsgi.py puts the app's own directories before it.
    ...(site.libraries === undefined ? {} : { "python-path": '"@ROOT@/wheels"' }),
  };
  return [
    "WSGIRestrictEmbedded On",
    'WSGISocketPrefix "/run/silver/@VCL@/wsgi"',
    "# A release never changes: a new one is a new Apache.",
    "WSGIScriptReloading Off",
    "WSGIPassAuthorization On",
    `WSGIDaemonProcess ${wsgiGroup} \\`,
    Object.entries(options)
      .map(([name, value]) => `  ${name}=${value}`)
      .join(" \\\n"),
  ];
}
