import type { SitePlan } from "../plan/plan.ts";
import { appLimits, capacity, temporaryBytes, webLimits, type ProcessLimits } from "../platforms/capacity.ts";
import type { AppUnit } from "../platforms/platform.ts";
import { platforms } from "../platforms/registry.ts";
import { siteUnit } from "../plan/site-name.ts";
import { serviceType } from "../services/registry.ts";

/** Bytes of /dev/shm, where Python keeps locks between processes. */
const sharedBytes = 64 * 1024 ** 2;

/** What distinguishes the units of a release. */
interface UnitParts extends AppUnit {
  /** Lines of [Unit]. */
  order: string[];
  limits: ProcessLimits;
  /** Lines that open more of the file system. */
  writable: string;
}

/** A unit of a release: runs as the site's user from the start, without capabilities, with only its own directories writable. */
function renderUnit({ name, user }: SitePlan, parts: UnitParts): string {
  const { role, comment, description, order, service, limits, writable } = parts;
  return `# ${comment} Never reloaded.
[Unit]
Description=${description} ${name}, release @RELEASE@
${order.join("\n")}
# A release that can't run is ended by the agent; after a boot it must not give up.
StartLimitIntervalSec=0

[Service]
User=${user}
Group=${user}
WorkingDirectory=@ROOT@/app
Environment=LANG=C.UTF-8
Restart=always
RestartSec=1
KillMode=mixed
${service.join("\n")}
SyslogIdentifier=${siteUnit(name, role)}
UMask=0027

# One process out of memory is replaced by its parent; it must not end the others.
OOMPolicy=continue
MemoryMax=${limits.memoryBytes}
TasksMax=${limits.tasks}
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
${role === "web" ? "SocketBindAllow=ipv4:tcp:@PORT@\n" : ""}${renderSandbox(writable)}
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
    order: holdsApp ? afterServices(site) : [`After=network.target ${own.join(" ")}`, `Upholds=${own.join(" ")}`],
    service: [
      "Type=exec",
      "ExecStart=/usr/sbin/apache2 -f @ROOT@/conf/apache.conf -DFOREGROUND",
      "KillSignal=SIGWINCH",
      `TimeoutStopSec=${site.timeouts.drainSeconds + 15}`,
      "RuntimeDirectory=silver/@VCL@",
      "RuntimeDirectoryMode=0750",
      ...(holdsApp ? logsDirectory(site) : []),
    ],
    limits: webLimits(capacity(site.processes), holdsApp ? appLimits(limits(site.processes)) : undefined),
    writable: holdsApp ? writableOf(site) : "",
  });
}

/** A unit of the platform, with the app's processes. */
export function renderAppUnit(site: SitePlan, unit: AppUnit): string {
  return renderUnit(site, {
    ...unit,
    order: afterServices(site),
    service: [...unit.service, ...logsDirectory(site)],
    limits: appLimits(platforms[site.platform].limits(site.processes)),
    writable: writableOf(site),
  });
}

const logsDirectory = ({ name }: SitePlan): string[] => [`LogsDirectory=silver/${name}`, "LogsDirectoryMode=0750"];

/**
 * Confines the app's code, whichever unit runs it: no capabilities, only its own directories writable, no foreign processes visible.
 * @param writable lines that open more
 */
export function renderSandbox(writable: string): string {
  return `RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
CapabilityBoundingSet=
AmbientCapabilities=
NoNewPrivileges=yes
ProtectSystem=strict${writable}
ProtectHome=yes
# In memory and of a fixed size: PrivateTmp would let one app fill the node's disk, and /dev/shm half of its memory.
TemporaryFileSystem=/tmp:size=${temporaryBytes},mode=1777,nodev,nosuid /var/tmp:ro /dev/shm:size=${sharedBytes},mode=1777
PrivateDevices=yes
PrivateIPC=yes
ProtectProc=invisible
ProtectClock=yes
ProtectHostname=yes
ProtectControlGroups=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
KeyringMode=private
# Not MemoryDenyWriteExecute: ctypes and compiled Python libraries make code at run time.
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`;
}

/** The unit that the agent makes for all services of the site, in its current data generation: after a boot, they start first. */
function afterServices(site: SitePlan): string[] {
  if (site.services === undefined) return ["After=network.target"];
  const target = `silver-data-${site.name}.target`;
  return [`After=network.target ${target}`, `Requires=${target}`];
}

function writableOf(site: SitePlan): string {
  const writes = site.services?.some(({ type }) => serviceType(type).writesData) === true;
  return writes ? `\nReadWritePaths=/srv/silver/${site.name}/data` : "";
}
