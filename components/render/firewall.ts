/**
 * The firewall on the loopback interface: by user id, who may connect to a release, and who may answer as it.
 * Stateless: it checks only the first packet and the first answer of a connection, so that reloading cuts none.
 * The agent keeps the elements of `answerers` (address, port, uid of each release) in files that are read with it.
 */
export function renderNodeFirewall(): string {
  return `#!/usr/sbin/nft -f
# Who may speak with whom on this node's loopback addresses. Loading it again changes nothing that is open.
table inet silver
delete table inet silver
table inet silver {
  # address . port . uid of every release that runs here
  set answerers {
    type ipv4_addr . inet_service . uid
  }
  chain output {
    type filter hook output priority filter; policy accept;
    oifname "lo" ip daddr 127.64.0.0/16 tcp flags & (syn | ack) == syn jump ask_release
    oifname "lo" ip saddr 127.64.0.0/16 tcp flags & (syn | ack) == (syn | ack) jump answer_release
    oifname "lo" tcp dport 6082 tcp flags & (syn | ack) == syn jump ask_varnish_cli
    # The cloud's metadata service hands out the machine's own rights.
    ip daddr 169.254.169.254 meta skuid != 0 reject
  }
  chain ask_release {
    meta skuid { "root", "vcache" } accept
    reject with tcp reset
  }
  # A program that listens on a stopped release's address is not heard.
  chain answer_release {
    ip saddr . tcp sport . meta skuid @answerers accept
    drop
  }
  chain ask_varnish_cli {
    meta skuid { "root", "vcache" } accept
    reject with tcp reset
  }
}
include "/var/lib/silver/firewall*.nft"
`;
}
