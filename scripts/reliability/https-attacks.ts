import type { Attack } from "./attacks.ts";

/** What happens to the certificates of a node, or is tried to get at them. */
export const httpsAttacks: readonly Attack[] = [
  {
    attack: "an app looks for the keys of certificates, or speaks to Varnish or HAProxy as the other one does",
    holds: "it reaches neither; the key of the authority is root's alone",
    file: "test/nodes/https.test.ts",
    test: "an app reaches neither a key nor what the terminator and Varnish speak by",
  },
  {
    attack: "a certificate expires, since it could not be renewed",
    holds: "`silver status` says why and exits 1; the node renews it once it can",
    file: "test/nodes/https.test.ts",
    test: "an expired certificate is told by silver status, until it is renewed",
  },
  {
    attack: "a certificate, the list of them or their record is cut to nothing, or the agent dies while it renews one",
    holds: "it is made again within half a minute, and served without a restart",
    file: "test/agent/test_certificates.py",
    test: "test_what_a_fault_has_cut_to_nothing_is_made_again",
  },
  {
    attack: "certificates are renewed while visitors come",
    holds: "no request fails, and no connection is cut",
    file: "test/nodes/https.test.ts",
    test: "no request fails while certificates are renewed",
  },
];
