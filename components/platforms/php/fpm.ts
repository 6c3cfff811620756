import { capacity, type ProcessLimits } from "../capacity.ts";
import type { AppUnit, Processes, Served } from "../platform.ts";
import { phpDirectory, phpSocket } from "./apache.ts";

/** Cache of compiled PHP, shared by all processes: PHP's own default. */
const opcacheBytes = 128 * 1024 ** 2;
/** What a PHP process needs besides a request's memory. */
const phpProcessBytes = 16 * 1024 ** 2;

/** Limits of the master and its processes. */
export function fpmLimits({ count, memoryBytes }: Processes): ProcessLimits {
  return { tasks: 1 + count, memoryBytes: count * (memoryBytes + phpProcessBytes) + opcacheBytes };
}

/** Seconds that work after an answer may continue when its release is stopped. */
const lastSeconds = 10;

/** The whole configuration of a release's php-fpm, which reads only php.ini and the extensions from /etc/php. */
export function renderPhpFpm(site: Served): string {
  const { processes, timeouts, limits } = site;
  const values: Record<string, string | number> = {
    auto_prepend_file: "@ROOT@/conf/prepend.php",
    display_errors: 0,
    expose_php: 0,
    // Errors go to the journal unchanged, not through Apache as one line.
    "fastcgi.logging": 0,
    log_errors: 1,
    max_execution_time: timeouts.requestSeconds,
    memory_limit: processes.memoryBytes,
    // A release never changes.
    "opcache.validate_timestamps": 0,
    post_max_size: limits.bodyBytes,
    // Debian's cron cleans only its own directory, and nobody else sees this one.
    "session.gc_probability": 1,
    "session.save_path": "/tmp",
    upload_max_filesize: limits.bodyBytes,
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
listen.backlog = ${capacity(processes).connections}
pm = static
pm.max_children = ${processes.count}
pm.max_requests = ${processes.requests}
request_terminate_timeout = ${timeouts.requestSeconds}s
request_terminate_timeout_track_finished = yes
catch_workers_output = yes
decorate_workers_output = no
clear_env = yes
; The unit's, which the site's config may set.
env[LANG] = $LANG
env[PATH] = /usr/local/bin:/usr/bin:/bin
security.limit_extensions = .php
${Object.entries(values)
  .map(([name, value]) => `php_admin_value[${name}] = ${value}\n`)
  .join("")}`;
}

/** php-fpm, ready once it listens. The last of those installed, as Debian names them: php-fpm8.2, php-fpm8.4. */
export function fpmUnit(): AppUnit {
  const options = "--nodaemonize --force-stderr --fpm-config @ROOT@/conf/php-fpm.conf";
  return {
    role: "php",
    comment: "PHP of one release of one site. Ended after its Apache, by SIGQUIT: it lets finish what is done after an answer.",
    description: "PHP of site",
    service: [
      "# Ready once it listens, in a directory that begins empty: where it would tell systemd so is hidden from it.",
      "Type=exec",
      `ExecStart=/bin/sh -c 'for program in /usr/sbin/php-fpm[0-9]*; do :; done; exec "$$program" ${options}'`,
      `ExecStartPost=/bin/sh -c 'until [ -S ${phpSocket} ]; do kill -0 "$$MAINPID" 2>/dev/null || exit 1; sleep 0.02; done'`,
      "KillSignal=SIGQUIT",
      `TimeoutStopSec=${lastSeconds + 5}`,
    ],
    directory: phpDirectory,
  };
}
