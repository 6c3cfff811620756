import { closedSystem } from "./sandbox.ts";

/** Each release has one of these to itself. Below the 32768 from which a kernel chooses where nobody has told it otherwise. */
export const releasePorts = { first: 20_001, last: 32_767 };

/** Where the script below is on a node. */
export const portsScript = "/etc/silver/ports";

/**
 * Keeps these ports from whoever names none, such as another program's connection, which would keep a release from starting.
 * A file in sysctl.d would replace what an administrator keeps, or be replaced by it: the kernel has one list.
 */
export function renderReleasePorts(): string {
  return `# Made by silver. Adds the ports of releases to those that the kernel gives to nobody who names none. What is there stays.
set -eu
list=/proc/sys/net/ipv4/ip_local_reserved_ports
kept=$(cat "$list")
echo "\${kept:+$kept,}${releasePorts.first}-${releasePorts.last}" > "$list"
`;
}

/** Before any release is started. */
export function renderPortsUnit(): string {
  return `# Made by silver. The kernel gives the ports of releases to nobody who names none. Safe to run again.
[Unit]
Description=Ports of the releases of this node
DefaultDependencies=no
After=local-fs.target systemd-sysctl.service
Before=network-pre.target varnish.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
# A kernel without this list must not stop the node from serving: silver status tells.
ExecStart=-/bin/sh ${portsScript}

# Runs as root, which owns the list, without any other right of root.
CapabilityBoundingSet=
RestrictAddressFamilies=none
UMask=0077
ProtectSystem=strict
PrivateDevices=yes
ProtectProc=invisible
MemoryDenyWriteExecute=yes
${closedSystem}# The list is one of these.
ProtectKernelTunables=no

[Install]
WantedBy=multi-user.target
`;
}
