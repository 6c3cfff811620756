import type { SitePlan, WorkerPlan } from "../plan/plan.ts";
import { apacheDirectory } from "../platforms/apache.ts";
import { appLimits, capacity, temporaryBytes, webLimits, type ProcessLimits } from "../platforms/capacity.ts";
import type { AppUnit, RequestLimits } from "../platforms/platform.ts";
import { platforms } from "../platforms/registry.ts";
import { logsMount, siteSlice, siteUnit } from "../plan/site-name.ts";
import { externalType } from "../services/external.ts";
import { serviceType } from "../services/registry.ts";
import { closedSystem } from "./sandbox.ts";
import { startEnvironment } from "./start-environment.ts";

/** Bytes of /dev/shm, where Python keeps locks between processes. */
const sharedBytes = 64 * 1024 ** 2;
const pageBytes = 4096;

/** For sockets, locks and process ids: room for some hundred, and none for data. */
const smallFileSystem = "size=1M,nr_inodes=512,nodev,nosuid,noexec";

/** What distinguishes the units of a release. */
interface UnitParts extends AppUnit {
  /** Distinguishes units of one role. */
  own?: string;
  /** Lines of [Unit]. */
  order: string[];
  limits: ProcessLimits;
  /** Lines that open more of the file system. */
  writable: string;
}

/** Lines of [Service]: as whom all that is a site's runs, and of whose part of the machine. */
export const runsAs = ({ name, user }: SitePlan): string => `User=${user}\nGroup=${user}\nSlice=${siteSlice(name)}`;

/** A unit of a release: runs as the site's user from the start, without capabilities, with only its own directories writable. */
function renderUnit(site: SitePlan, parts: UnitParts): string {
  const { name } = site;
  const { role, own, comment, description, order, service, limits, writable } = parts;
  return `# ${comment} Never reloaded.
[Unit]
Description=${description} ${name}, release @RELEASE@
${order.join("\n")}
# A release that can't run is ended by the agent; after a boot it must not give up.
StartLimitIntervalSec=0

[Service]
${runsAs(site)}
WorkingDirectory=@ROOT@/app
${startEnvironment(site)}
Restart=always
RestartSec=1
# Before a program runs, its unit copies all mounts of the node: 0.6 s for 400 mounts, and one unit at a time. After a boot, the last of
# 200 sites waits two minutes. If units gave up before that, none would ever start. A rollout has its own time limit.
TimeoutStartSec=15min
KillMode=mixed
${service.join("\n")}
SyslogIdentifier=${siteUnit(name, role, own)}
UMask=0027

# One process out of memory is replaced by its parent; it must not end the others.
OOMPolicy=continue
MemoryMax=${limits.memoryBytes}
TasksMax=${limits.tasks}
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
${role === "web" ? "SocketBindAllow=ipv4:tcp:@PORT@\n" : ""}${renderSandbox(site.limits, writable)}
[Install]
WantedBy=multi-user.target
`;
}

/** Apache in the foreground, and the app's processes unless a unit of the platform has them. Measured: Apache works without root. */
export function renderWebUnit(site: SitePlan): string {
  const { limits, units } = platforms[site.platform];
  const own = units(site).map(({ role }) => `${siteUnit(site.name, role)}@@RELEASE@.service`);
  const holdsApp = own.length === 0;
  return renderUnit(site, {
    role: "web",
    comment: "One release of one site. Ended by SIGWINCH: Apache stops listening and lets requests finish.",
    description: "Site",
    // Upheld: a unit that ended for any reason is started again while Apache runs, without restarting Apache.
    order: holdsApp ? appOrder(site) : [`After=network.target ${own.join(" ")}`, `Upholds=${own.join(" ")}`],
    service: [
      "Type=exec",
      "ExecStart=/usr/sbin/apache2 -f @ROOT@/conf/apache.conf -DFOREGROUND",
      "KillSignal=SIGWINCH",
      `TimeoutStopSec=${site.timeouts.drainSeconds + 15}`,
      `TemporaryFileSystem=${apacheDirectory}:${smallFileSystem},mode=1777`,
      "# The name that systemd gives such a directory.",
      `Environment=RUNTIME_DIRECTORY=${apacheDirectory}`,
    ],
    limits: webLimits(capacity(site.processes), holdsApp ? appLimits(limits(site.processes), site.limits) : undefined),
    writable: holdsApp ? writableOf(site) : "",
  });
}

/**
 * A unit for all workers of one name: TERM goes to the program itself, which ends what it started, or leaves that to be killed.
 * @param start the line that starts it
 */
export function renderWorkerUnit(site: SitePlan, { name, stopSeconds, memoryBytes }: WorkerPlan, start: string): string {
  return renderUnit(site, {
    role: "worker",
    own: name,
    comment:
      "A worker of one release of one site. It starts once those of the previous release have ended, and gets its time to end.",
    description: `Worker ${name} of site`,
    order: appOrder(site),
    service: ["Type=exec", start, `TimeoutStopSec=${stopSeconds}`, "Environment=HOME=/tmp"],
    limits: appLimits({ tasks: 1, memoryBytes }, site.limits),
    writable: writableOf(site),
  });
}

/** A unit of the platform, with the app's processes. */
export function renderAppUnit(site: SitePlan, unit: AppUnit): string {
  return renderUnit(site, {
    ...unit,
    order: appOrder(site),
    service: [...unit.service, ...sharedDirectory(site, unit)],
    limits: appLimits(platforms[site.platform].limits(site.processes), site.limits),
    writable: writableOf(site),
  });
}

/** A file system of its own in memory, which all units of the site see and only its user enters: /run is every site's, and the system's. */
function sharedDirectory({ user }: SitePlan, { directory }: AppUnit): string[] {
  if (directory === undefined) return [];
  const place = `/run/${directory}`;
  // Of the unit's variables some are the app's to choose, and one of them names a directory of translations, which root would read.
  const asRoot = "/usr/bin/env --ignore-environment /usr/bin/nsenter --target 1 --mount";
  return [
    `RuntimeDirectory=${directory}`,
    "# Even what systemd runs with full rights has mounts of its own, in a unit that is confined: this one is for other units, too.",
    `ExecStartPre=+${asRoot} /usr/bin/mount -t tmpfs -o ${smallFileSystem},mode=0700,uid=${user} silver ${place}`,
    `ExecStopPost=-+${asRoot} /usr/bin/umount --lazy ${place}`,
  ];
}

/** As many files as fit if each takes a page: an empty file takes memory, too. */
function temporaryFileSystem(limits: RequestLimits): string {
  const bytes = temporaryBytes(limits);
  return `size=${bytes},nr_inodes=${Math.floor(bytes / pageBytes)},mode=1777,nodev,nosuid`;
}

/**
 * Confines the app's code, whichever unit runs it: no capabilities, only its own directories writable, no foreign processes visible.
 * @param limits decide the size of its /tmp
 * @param writable lines that open more
 */
export function renderSandbox(limits: RequestLimits, writable: string): string {
  return `RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict${writable}
# On the bus, systemd starts programs for whoever asks, outside of all this, and tells what others run.
InaccessiblePaths=-/run/dbus -/run/snapd.socket
# Where systemd listens: an app that never pauses, or sends without end, would have it do nothing else, or take all memory. An entry
# that is sent to the journal, and not printed, may have hundreds of megabytes.
TemporaryFileSystem=/run/systemd:ro
BindReadOnlyPaths=-/run/systemd/resolve
# A line that begins with <0> would be shown on each terminal of the node.
SyslogLevelPrefix=no
# Who can read a file can lock it: then no package would be configured, and Varnish would not start again.
InaccessiblePaths=-/var/cache/debconf -/var/lib/varnish
# A node has so many terminals and no more: without one, a person who logs in can't work.
InaccessiblePaths=-/dev/pts
# In memory and of a fixed size: PrivateTmp would let one app fill the node's disk, and /dev/shm half of its memory.
TemporaryFileSystem=/tmp:${temporaryFileSystem(limits)} /var/tmp:ro /run/lock:ro /dev/shm:size=${sharedBytes},nr_inodes=${sharedBytes / pageBytes},mode=1777
PrivateDevices=yes
PrivateIPC=yes
ProtectProc=invisible
# Its user may run more on the node: other units, or an administrator's shell. Without this, it could change their memory, and reach
# through their /proc/PID/root what is hidden here. Its id stays the same to files, PostgreSQL and the firewall.
PrivateUsers=yes
# Not MemoryDenyWriteExecute: ctypes and compiled Python libraries make code at run time.
${closedSystem}`;
}

/** What a unit with the app's code starts after. It would lack its data; it can do without its logs. */
export function appOrder(site: SitePlan): string[] {
  const logs = logsMount(site.name);
  const services = site.services === undefined ? [] : [servicesTarget(site)];
  return [
    `After=${["network.target", logs, ...services].join(" ")}`,
    `Wants=${logs}`,
    ...services.map((target) => `Requires=${target}`),
  ];
}

/** The unit that the agent makes for all services of the site, in its current data generation: after a boot, they start first. */
const servicesTarget = ({ name }: SitePlan): string => `silver-data-${name}.target`;

/** Where the app may write besides what is in memory, and where it finds a socket by itself. */
export function writableOf(site: SitePlan): string {
  const types = site.services?.map(({ type }) => type).filter((type) => type !== externalType) ?? [];
  const data = types.some((type) => serviceType(type).writesData) ? `\nReadWritePaths=/srv/silver/${site.name}/data` : "";
  const sockets = types.flatMap((type) => serviceType(type).socketDirectory ?? []);
  const seen = sockets.map(({ placeholder, path }) => `\nBindReadOnlyPaths=-${placeholder}:${path}`);
  return `${data}${logsOf(site)}${seen.join("")}`;
}

/** The line that lets the app write its logs. Whoever deletes /var/log must not keep the site from starting. */
export const logsOf = ({ name }: SitePlan): string => `\nReadWritePaths=-/var/log/silver/${name}`;
