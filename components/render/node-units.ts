import { closedSystem, renderAgentSandbox } from "./sandbox.ts";
import type { Https } from "../environment/environment.ts";
import { systems, type SystemName } from "../systems/systems.ts";
import { tlsSocket } from "./terminator.ts";
import { idleSeconds } from "./trusted-proxies.ts";

/** Sizes of the file for answers that are not cached; the one for uploads is half as large. */
const transientMegabytes = { least: 1536, most: 8192 };

/** Bytes of a body up to which there is always room for it. */
export const smallBody = 32 * 1024;
/** Kilobytes in the file of small bodies for each: itself, and a page of what Varnish notes beside it. */
const formKilobytes = smallBody / 1024 + 4;
/**
 * Threads of Varnish. A request that waits for an app takes two of them, the plan lets 5,000 wait, and with 4 GB of memory there are
 * some 12,000. Each takes 54 kB as a rule, and 170 kB with all the headers that a request may have (measured).
 */
const threads = { most: 20_000, kilobytes: 170 };

/** Varnish on port 80 with the sites' labels from boot.cli, instead of the one VCL and port 6081 of Debian's unit. */
export function renderVarnishDropIn(https?: Https): string {
  const tls = https === undefined ? "" : ` -a ${tlsSocket}`;
  return `# Made by silver. Varnish is changed by its labels while it runs: a restart would drop its cache and every client.
[Unit]
After=silver-nft.service silver-boot.service
Wants=silver-nft.service silver-boot.service
# Whatever keeps it from starting, a taken port or a full disk, ends some day, and then every site is to be back.
StartLimitIntervalSec=0

[Service]
# As many threads as the memory has room for: systemd's default would be 4,800 on a node of 4 GB. As many VCLs as there are sites.
TasksMax=infinity
# What passes through is held whole, in files of this node's disk that are set aside when Varnish starts: in Transient the answers
# that are not cached, until their clients have read them; in forms the small bodies of requests, one for each thread; in spool the
# uploads, and cached answers of no known or of a large size, which give way to uploads. Memory is for small cached answers alone.
# What has no known length takes a megabyte at a time: where answers that nobody reads have filled Transient, the rest of it, too small
# for more of them, is left to answers whose length is known.
ExecStartPre=+/bin/sh /etc/silver/varnish/storage
EnvironmentFile=-/run/silver-varnish
# An upload takes room as it arrives, not as it is announced. Clients may pause for a minute, and take an hour for an answer.
# A VCL is compiled for each release, and for each site when Varnish starts: without optimising that takes a third of the time.
# Debian 13 has gcc under this name alone. The list of VCLs that the agent reads takes a quarter of a kilobyte for each VCL and label:
# Varnish's own bound cuts it off at some 130 sites.
ExecStart=
ExecStart=/usr/sbin/varnishd -j unix,user=vcache -F -a :80${tls} -b none -I /var/lib/silver/varnish/boot.cli \\
  -T 127.0.0.1:6082 -S /etc/varnish/secret -s cache=malloc,256m -s forms=\${FORMS} -s spool=\${SPOOL} \\
  -s Transient=\${TRANSIENT} -p thread_pool_max=\${THREADS} -p fetch_chunksize=1m -p fetch_maxchunksize=1m \\
  -p timeout_idle=${idleSeconds} -p send_timeout=3600 -p max_vcl_handling=0 \\
  -p default_ttl=0 -p http_max_hdr=256 -p http_req_size=96k -p http_resp_size=96k -p http_resp_hdr_len=64k \\
  -p workspace_client=512k -p workspace_backend=224k -p cli_limit=4m \\
  -p "cc_command=exec $$(uname -m)-linux-gnu-gcc -O0 -pthread -fpic -shared -Wl,-x -o %%o %%s"
# There is nothing to reload: labels are turned by the agent.
ExecReload=
Restart=always
RestartSec=1

# Its manager is root until it has opened port 80 and given its files to the user of the worker, and ends what it started. gcc, which
# compiles a site's VCL, runs as another user yet. Memory stays locked, so that statistics are never swapped out.
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_IPC_LOCK CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
ProtectSystem=strict
ReadWritePaths=/var/lib/varnish
PrivateTmp=yes
PrivateDevices=yes
ProtectProc=invisible
# Not MemoryDenyWriteExecute: PCRE compiles the patterns of a VCL to machine code.
${closedSystem}`;
}

/**
 * Says how many threads Varnish may have, for half of the memory at most, and how much of the disk it may use: a part of what is
 * free, set aside at once, so that it neither fills the disk nor finds it full. Where next to nothing is free it gets memory, because
 * a node with a full disk has to serve.
 */
export function renderVarnishSizes(): string {
  return `# Made by silver. Run before Varnish starts: the threads of each of its two pools, and the sizes, in MB, of what it keeps on disk.
set -eu
memory=$(sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo)
threads=$((memory / 2 / ${threads.kilobytes}))
[ "$threads" -le ${threads.most} ] || threads=${threads.most}
free=$(df --output=avail --block-size=1M /var/lib/varnish | tail -n 1)
transient=$((free / 32))
[ "$transient" -ge ${transientMegabytes.least} ] || transient=${transientMegabytes.least}
[ "$transient" -le $((free / 8)) ] || transient=$((free / 8))
[ "$transient" -le ${transientMegabytes.most} ] || transient=${transientMegabytes.most}
# One small body for each thread.
forms=$((threads * ${formKilobytes} / 1024 + 1))
[ "$forms" -le $((free / 16)) ] || forms=$((free / 16))
if [ "$transient" -ge 128 ]; then
  set -- "TRANSIENT=file,/var/lib/varnish,\${transient}m" "SPOOL=file,/var/lib/varnish,$((transient / 2))m" \\
    "FORMS=file,/var/lib/varnish,\${forms}m"
else
  set -- TRANSIENT=malloc,256m SPOOL=malloc,128m FORMS=malloc,64m
fi
printf '%s\\n' "THREADS=$((threads / 2))" "$@" > /run/silver-varnish
`;
}

/** Loads the firewall before anything it protects. */
export function renderFirewallUnit(): string {
  return `# Made by silver. Loads who may speak with whom on the loopback addresses; loading it again cuts no connection.
[Unit]
Description=Firewall between the sites of this node
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target varnish.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/silver/nft.conf
ExecReload=/usr/sbin/nft -f /etc/silver/nft.conf

# Changes the kernel's rules and nothing else, for which it must be root.
CapabilityBoundingSet=CAP_NET_ADMIN
RestrictAddressFamilies=AF_NETLINK
UMask=0077
ProtectSystem=strict
PrivateDevices=yes
ProtectProc=invisible
ProcSubset=pid
MemoryDenyWriteExecute=yes
${closedSystem}
[Install]
WantedBy=multi-user.target
`;
}

/** All of /etc: what packages changed there while apt outlived a dead agent is put back. */
const recovered = "/etc";

/** After a boot: ends what a dead rollout left, and rewrites what Varnish starts with. */
export function renderBootUnit(): string {
  return `# Made by silver. Puts every site right after a boot, before Varnish lets anyone in. Safe to run again.
[Unit]
Description=Sites of this node after a boot
After=silver-nft.service
Before=varnish.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/bin/silver-agent recover

${renderAgentSandbox(recovered)}
[Install]
WantedBy=multi-user.target
`;
}

/** Undoes or finishes a rollout whose agent was killed, and discards VCLs that had to wait. Skipped when there is neither. */
export function renderRecoverUnit(): string {
  return `# Made by silver. Undoes or finishes what a dead agent left; sites that a session leads are left to it.
[Unit]
Description=Rollouts that nobody leads any more
ConditionPathExistsGlob=|/srv/silver/*/journal.json
ConditionPathExistsGlob=|/var/lib/silver/varnish/*.kept
After=silver-boot.service

[Service]
Type=oneshot
ExecStart=/usr/local/bin/silver-agent recover
# systemd would tell twice a minute that there was nothing to do.
SyslogLevel=notice
LogLevelMax=notice

${renderAgentSandbox(recovered)}`;
}

/** Checks the size of databases and log files. Skipped when no site has ever run. */
export function renderMeasureUnit(): string {
  return `# Made by silver. Stops sites that write more than their quota into a database, and empties log files that are too large.
[Unit]
Description=Sizes of what the sites of this node write
ConditionPathExistsGlob=/var/log/silver/*

[Service]
Type=oneshot
ExecStart=/usr/local/bin/silver-agent measure
# What it does to a site is told among that site's own lines; systemd would tell twice a minute that there was nothing to do.
StandardOutput=null
# Why it failed.
StandardError=journal
SyslogLevel=notice
LogLevelMax=notice

${renderAgentSandbox()}`;
}

/** For the transient units in which the agent retires releases: systemd reads it for each whose name begins so. */
export function renderRetireDropIn(): string {
  return `# Made by silver.
[Service]
${renderAgentSandbox()}`;
}

/** For the workers of all sites: one that ends again and again is started ever more seldom. systemd has the growing pause from 254 on. */
export function renderWorkerDropIn(os: SystemName): string {
  return `# Made by silver.
[Service]
${systems[os].systemd < 254 ? "RestartSec=5" : "RestartSteps=6\nRestartMaxDelaySec=60"}
`;
}

/**
 * The sites together: beside what the node itself runs, such as Varnish and the agent, they count as one.
 * @param memoryBytes that they may take. Default: no limit
 */
export function renderSitesSlice(memoryBytes?: number): string {
  return `# Made by silver.
[Unit]
Description=All sites of this node

[Slice]
CPUWeight=100
# Whatever sites do together, somebody can log in, and the agent can start what ends them.
TasksMax=80%
${memoryBytes === undefined ? "" : memoryLines(memoryBytes)}`;
}

const memoryLines = (bytes: number): string => `# Beyond it the kernel ends the process that takes most, and no other.
MemoryMax=${bytes}
`;

/** For the slice of each site: the processor is shared out evenly among sites, however many programs one runs. */
export function renderSiteSliceDropIn(): string {
  return `# Made by silver.
[Slice]
CPUWeight=100
# Of all processes and threads that the node has room for.
TasksMax=20%
`;
}

export function renderMeasureTimer(): string {
  return `# Made by silver.
[Unit]
Description=Measures what the sites of this node write

[Timer]
OnCalendar=*:*:15,45
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}

export function renderRecoverTimer(): string {
  return `# Made by silver.
[Unit]
Description=Looks for rollouts that nobody leads any more

[Timer]
OnCalendar=*:*:00,30
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
