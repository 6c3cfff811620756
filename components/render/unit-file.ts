import type { SitePlan } from "../plan/plan.ts";
import { capacity, temporaryBytes } from "../plan/capacity.ts";
import { siteUnit } from "../plan/site-name.ts";
import { serviceType } from "../services/registry.ts";

/** Bytes of /dev/shm: Python's locks between processes stand there. */
const sharedBytes = 64 * 1024 ** 2;

/**
 * The unit of one release: Apache in the foreground, as the site's user from the start, without any capability, with nothing
 * writable but its own run-time and log directories and a private /tmp. An Apache without root was measured to work so.
 */
export function renderUnit(site: SitePlan): string {
  const { tasks, memoryBytes } = capacity(site);
  return `# One release of one site. Ended by SIGWINCH: Apache stops listening and lets requests finish. Never reloaded.
[Unit]
Description=Site ${site.name}, release @RELEASE@
After=network.target${afterServices(site)}
# A release that can't run is ended by the agent; after a boot it must not give up.
StartLimitIntervalSec=0

[Service]
Type=exec
User=${site.user}
Group=${site.user}
ExecStart=${site.platform === "php" ? "/bin/bash @ROOT@/conf/run.sh" : "/usr/sbin/apache2 -f @ROOT@/conf/apache.conf -DFOREGROUND"}
WorkingDirectory=@ROOT@/app
Environment=LANG=C.UTF-8
Restart=always
RestartSec=1
KillMode=mixed
KillSignal=SIGWINCH
TimeoutStopSec=${site.timeouts.drainSeconds + 15}
SyslogIdentifier=${siteUnit(site.name, "web")}

RuntimeDirectory=silver/@VCL@
RuntimeDirectoryMode=0750
LogsDirectory=silver/${site.name}
LogsDirectoryMode=0750
UMask=0027

# One process out of memory is replaced by its parent; it must not end the others.
OOMPolicy=continue
MemoryMax=${memoryBytes}
TasksMax=${tasks}
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
SocketBindAllow=ipv4:tcp:@PORT@
${renderSandbox(writable(site))}
[Install]
WantedBy=multi-user.target
`;
}

/**
 * What shuts the app's code in, whatever unit runs it: no capability, nothing writable but what is its own, no foreign processes.
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

/** What the agent makes stand for all services of the site, in its data generation of now: after a boot, they come first. */
function afterServices(site: SitePlan): string {
  if (site.services === undefined) return "";
  const target = `silver-data-${site.name}.target`;
  return ` ${target}\nRequires=${target}`;
}

function writable(site: SitePlan): string {
  const writes = site.services?.some(({ type }) => serviceType(type).writesData) === true;
  return writes ? `\nReadWritePaths=/srv/silver/${site.name}/data` : "";
}
