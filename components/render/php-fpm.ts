import { capacity } from "../plan/capacity.ts";
import type { SitePlan } from "../plan/plan.ts";
import { phpSocket } from "./apache-php.ts";
import { bodyMegabytes } from "./site-vcl.ts";

/** Seconds for which what a request does after its answer may go on when its release is ended. */
export const lastSeconds = 10;

/** The whole configuration of the one php-fpm of a release. Nothing of /etc/php is read but php.ini and the extensions. */
export function renderPhpFpm(site: SitePlan): string {
  const { processes, timeouts } = site;
  const values: Record<string, string | number> = {
    auto_prepend_file: "@ROOT@/conf/prepend.php",
    display_errors: 0,
    expose_php: 0,
    // An error goes to the journal as it is, and not through Apache, as one line.
    "fastcgi.logging": 0,
    log_errors: 1,
    max_execution_time: timeouts.requestSeconds,
    memory_limit: processes.memoryBytes,
    // A release never changes.
    "opcache.validate_timestamps": 0,
    post_max_size: `${bodyMegabytes}M`,
    // Debian has cron clean its own directory, and this one nobody else sees.
    "session.gc_probability": 1,
    "session.save_path": "/tmp",
    upload_max_filesize: `${bodyMegabytes}M`,
    upload_tmp_dir: "/tmp",
  };
  return `; php-fpm of one release of the site ${site.name}: started and ended by its unit, never reloaded.
[global]
daemonize = no
; All is said on stderr, which is the journal; this file must be one that can be opened.
error_log = /dev/null
log_level = warning
process_control_timeout = ${lastSeconds}s

[${site.name}]
listen = ${phpSocket}
listen.mode = 0600
; As many wait for a process as Varnish lets through.
listen.backlog = ${capacity(site).connections}
pm = static
pm.max_children = ${processes.count}
pm.max_requests = ${processes.requests}
request_terminate_timeout = ${timeouts.requestSeconds}s
request_terminate_timeout_track_finished = yes
catch_workers_output = yes
decorate_workers_output = no
clear_env = yes
env[LANG] = C.UTF-8
env[PATH] = /usr/local/bin:/usr/bin:/bin
security.limit_extensions = .php
${Object.entries(values)
  .map(([name, value]) => `php_admin_value[${name}] = ${value}\n`)
  .join("")}`;
}
