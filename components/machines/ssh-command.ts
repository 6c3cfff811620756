/** How a machine is reached by SSH. */
export interface SshTarget {
  address: string;
  port: number;
  user: string;
  /** File with only the machine's host key, under its address. */
  knownHosts: string;
  /** Private key. Default: those of the SSH agent. */
  keyFile?: string;
  /** Jump host, `[user@]host[:port]`. */
  proxy?: string;
}

/** A line of known_hosts. */
export function knownHostsLine({ address, port }: { address: string; port: number }, hostKey: string): string {
  return `${port === 22 ? address : `[${address}]:${port}`} ${hostKey}\n`;
}

/** The arguments that run a command line on a machine, without prompts and without the user's own SSH settings. */
export function sshCommand(target: SshTarget, remote: string): string[] {
  const settings = {
    BatchMode: "yes",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: target.knownHosts,
    GlobalKnownHostsFile: "/dev/null",
    UpdateHostKeys: "no",
    ConnectTimeout: "10",
    ServerAliveInterval: "5",
  };
  return [
    ...["ssh", "-F", "none", "-p", String(target.port)],
    ...Object.entries(settings).flatMap(([name, value]) => ["-o", `${name}=${value}`]),
    ...(target.keyFile === undefined ? [] : ["-o", "IdentitiesOnly=yes", "-i", target.keyFile]),
    ...(target.proxy === undefined ? [] : ["-J", target.proxy]),
    `${target.user}@${target.address}`,
    "--",
    remote,
  ];
}
