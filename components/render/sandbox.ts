/**
 * Lines of [Service] for every unit of ours, the app's and the platform's: parts of the system that none of them needs. What a unit
 * may do to files, the network and other users stands with the unit.
 */
export const closedSystem = `NoNewPrivileges=yes
ProtectHome=yes
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
SystemCallArchitectures=native
SystemCallFilter=@system-service
# Large parts of the kernel that most of its recent holes were in.
SystemCallFilter=~io_uring_enter io_uring_register io_uring_setup userfaultfd
SystemCallErrorNumber=EPERM
`;

/**
 * Confines the agent where a unit runs it, in the open part of what it does over SSH. It stays root and reaches every site: it gives
 * files to sites' users, asks databases as the user of their server, and loads the firewall.
 * @param etc what it writes to there. Who writes units is root anyway.
 */
export function renderAgentSandbox(etc = "/etc/silver /etc/systemd/system"): string {
  return `# Root, because every site is in its hands; and with no more of it than that takes.
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_FSETID CAP_KILL CAP_NET_ADMIN CAP_SETGID CAP_SETUID
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
IPAddressDeny=any
IPAddressAllow=localhost
ProtectSystem=strict
# In /usr/sbin it takes away the policy-rc.d that an agent left which was killed while apt ran.
ReadWritePaths=${etc} -/srv/silver /usr/sbin /var/lib/silver -/var/log/silver /run
PrivateTmp=yes
# Not PrivateDevices: it sees to it that images are mounted, for which it must find loop devices.
DevicePolicy=closed
DeviceAllow=/dev/loop-control rw
DeviceAllow=block-loop rw
MemoryDenyWriteExecute=yes
${closedSystem}`;
}
