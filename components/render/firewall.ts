/** Metadata services, by their providers' documentation. Most clouds use the first one. */
const metadata = {
  ipv4: [
    "169.254.169.254",
    // Amazon's for containers.
    "169.254.170.2",
    "169.254.170.23",
    // Azure's, which also hands out a machine's certificates and extensions.
    "168.63.129.16",
    // Alibaba.
    "100.100.100.200",
    // Tencent.
    "169.254.0.23",
    // Scaleway.
    "169.254.42.42",
  ],
  ipv6: [
    // Amazon's, and its for containers.
    "fd00:ec2::254",
    "fd00:ec2::23",
    // Google.
    "fd20:ce::254",
    // Oracle.
    "fd00:c1::a9fe:a9fe",
    // OpenStack.
    "fe80::a9fe:a9fe",
    // Scaleway.
    "fd00:42::42",
    // Akamai, once Linode.
    "fd00:a9fe:a9fe::1",
  ],
};

/**
 * The firewall on the loopback interface: by user id, who may connect to a release or to a site's server, and who may answer as it,
 * and that no site asks the node's SSH server; and who may ask the cloud for the machine's rights, on any interface.
 * Stateless: it checks only the first packet and the first answer of a connection, so that reloading cuts none.
 * The agent keeps the elements of `answerers`, `askers` and `sites` in files that are read with it.
 * @param sshPort of the node
 */
export function renderNodeFirewall(sshPort: number): string {
  return `#!/usr/sbin/nft -f
# Who may speak with whom on this node's loopback addresses. Loading it again changes nothing that is open.
table inet silver
delete table inet silver
table inet silver {
  # address . port . uid of every release that runs here, and of every server of a site that listens on an address
  set answerers {
    type ipv4_addr . inet_service . uid
  }
  # address . port of such a server, and the uid of its site
  set askers {
    type ipv4_addr . inet_service . uid
  }
  # uid of every site with a release here
  set sites {
    type uid
  }
  # where clouds hand out a machine's own rights and secrets
  set metadata4 {
    type ipv4_addr
    elements = { ${metadata.ipv4.join(", ")} }
  }
  set metadata6 {
    type ipv6_addr
    elements = { ${metadata.ipv6.join(", ")} }
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "lo" ip daddr 127.64.0.0/16 tcp flags & (syn | ack) == syn jump ask_release
    oifname "lo" ip daddr 127.65.0.0/16 tcp flags & (syn | ack) == syn jump ask_server
    oifname "lo" ip saddr 127.64.0.0/15 tcp flags & (syn | ack) == (syn | ack) jump answer
    oifname "lo" tcp dport ${sshPort} tcp flags & (syn | ack) == syn jump ask_ssh
    oifname "lo" tcp dport 6082 tcp flags & (syn | ack) == syn jump ask_varnish_cli
    ip daddr @metadata4 meta skuid != 0 jump ask_metadata
    ip6 daddr @metadata6 meta skuid != 0 jump ask_metadata
  }
  chain ask_release {
    meta skuid { "root", "vcache" } accept
    reject with tcp reset
  }
  chain ask_server {
    meta skuid "root" accept
    ip daddr . tcp dport . meta skuid @askers accept
    reject with tcp reset
  }
  # A program that listens on the address of a stopped release or server is not heard.
  chain answer {
    ip saddr . tcp sport . meta skuid @answerers accept
    drop
  }
  # Google's and Azure's are the machine's resolver as well, which a user of its own may ask.
  chain ask_metadata {
    meta l4proto { tcp, udp } th dport 53 accept
    reject
  }
  # sshd answers only so many connections before login: an app could take all of them, and keep out whoever wants to stop it.
  chain ask_ssh {
    meta skuid @sites reject with tcp reset
  }
  chain ask_varnish_cli {
    meta skuid { "root", "vcache" } accept
    reject with tcp reset
  }
}
include "/var/lib/silver/firewall*.nft"
`;
}
