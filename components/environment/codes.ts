import type { CodeEntry } from "../text/code.ts";

/** Codes that only an environment can cause. */
export const environmentCodes = {
  "apt-source": {
    rule: "A source of packages is an archive besides the distribution's, with suites and components, or with the one suite /.",
    example: {
      "dev.yaml": `apt:\n  sources:\n    own:\n      uri: https://apt.acme.net\n      suites: [stable]\n      key: "-----BEGIN PGP PUBLIC KEY BLOCK-----\\n${"A".repeat(64)}\\n-----END PGP PUBLIC KEY BLOCK-----"\n`,
    },
    fix: "Take suites and components from the archive's own instructions.",
  },
  "bad-host": {
    rule: "A host is a name or an IP address, without user, port or path.",
    example: { "dev.yaml": "nodes:\n  web1: {host: 'root@10.0.1.11', os: ubuntu-24.04, hostKey: 'ssh-ed25519 AAAAC3Nz'}\n" },
    fix: "Give the bare name or address; port and ssh.user have keys of their own.",
  },
  "bad-host-key": {
    rule: "A host key is one line of type and base64, as ssh-keyscan prints it after the host.",
    example: { "dev.yaml": "nodes:\n  web1: {host: 10.0.1.11, os: ubuntu-24.04, hostKey: SHA256:abc}\n" },
    fix: "Take it from /etc/ssh/ssh_host_ed25519_key.pub on the node: type and key, without the comment.",
  },
  "bad-network": {
    rule: "A network is an IP address, alone or with the number of bits that its addresses share; the rest of the address is zero.",
    example: { "dev.yaml": "trust_proxies: [10.1.2.3/8]\n" },
    fix: "Write the network's first address: 10.0.0.0/8.",
  },
  limit: {
    rule: "A site asks for no more than the environment's limits allow.",
    example: {
      "dev.yaml":
        "limits: {processes: 8}\nnodes: {web1: {local: true, os: ubuntu-24.04}}\nsites:\n  blog: {app: apps/blog, nodes: [web1], limits: {processes: 12}}\n",
    },
    fix: "Lower what the site asks for, or raise the environment's limit.",
  },
  "misplaced-key": {
    rule: "What belongs to one environment is in its file; stacks/base.yaml has what applies to all of them.",
    example: {
      "base.yaml": "nodes: {web1: {local: true, os: ubuntu-24.04}}\n",
      "dev.yaml": 'sites: {blog: {app: apps/blog, nodes: [web1], locations: ["*"]}}\n',
    },
    fix: "Move it to stacks/<environment>.yaml.",
  },
  "missing-secret": {
    rule: "Each version of a secret that an environment names is kept, encrypted, in the configuration of its stack.",
    example: {},
    fix: "Set it with the command that the message names.",
  },
  "node-machine": {
    rule: "A node is either local (local: true) or reached by SSH (host and hostKey).",
    example: { "dev.yaml": "nodes:\n  web1: {os: ubuntu-24.04}\n" },
    fix: "Give local: true, or host and hostKey.",
  },
  "node-role": {
    rule: "A site runs on nodes with the role web; its services on nodes with the role service.",
    example: {
      "dev.yaml":
        "nodes:\n  data1: {local: true, os: ubuntu-24.04, roles: [service]}\nsites:\n  blog: {app: apps/blog, nodes: [data1]}\n",
    },
    fix: "Name another node, or give this one the role.",
  },
  "shared-machine": {
    rule: "Each node is a machine of its own, with an address and a host key of its own.",
    example: {
      "dev.yaml":
        "nodes:\n  web1: {host: 10.0.1.11, os: debian-12, hostKey: 'ssh-ed25519 AAAAC3Nz'}\n  web2: {host: 10.0.1.12, os: debian-12, hostKey: 'ssh-ed25519 AAAAC3Nz'}\n",
    },
    fix: "Name the machine once; make new host keys on a clone.",
  },
  "trusts-sites": {
    rule: "No trusted proxy is a node of the environment: what its sites ask of each other comes from a loopback address, or from the node's own.",
    example: { "dev.yaml": "trust_proxies: [127.0.0.1]\nnodes: {web1: {local: true, os: ubuntu-24.04}}\n" },
    fix: "Name the addresses of the proxies alone.",
  },
  "unknown-site": {
    rule: "apt.debs names sites of the environment.",
    example: {
      "dev.yaml":
        "apt: {debs: [shop]}\nnodes: {web1: {local: true, os: ubuntu-24.04}}\nsites: {blog: {app: apps/blog, nodes: [web1]}}\n",
    },
    fix: "Name a site that is listed under sites.",
  },
  "unknown-node": {
    rule: "A site runs on nodes of its environment.",
    example: { "dev.yaml": "nodes:\n  web1: {local: true, os: ubuntu-24.04}\nsites:\n  blog: {app: apps/blog, nodes: [web2]}\n" },
    fix: "Name a node that is listed under nodes.",
  },
} as const satisfies Record<string, CodeEntry>;

type Entries = typeof environmentCodes;

declare module "../text/code.ts" {
  interface Codes extends Entries {}
}
