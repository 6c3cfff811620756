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
