import type { Attack } from "./attacks.ts";

/** What a package that an app lists or ships, or a source of packages, does on a node. */
export const packageAttacks: readonly Attack[] = [
  {
    attack: "a package that an app lists brings a server, which takes port 80 after a reboot",
    holds: "it never runs; an administrator's own is named, and Varnish waits for the port",
    file: "test/nodes/packages.test.ts",
    test: "a server that comes with a package never takes port 80",
  },
  {
    attack:
      "a package that an app lists replaces /etc/resolv.conf by a link that leads nowhere, and the agent may be killed meanwhile",
    holds: "it is as before once apt has ended, and the rollout says so",
    file: "test/agent/test_packages.py",
    test: "test_how_names_are_resolved_is_as_before_whatever_a_package_s_script_did",
  },
  {
    attack: "a package that an app lists has files for cron, or hooks for apt, that root would run",
    holds: "they are put aside, each once",
    file: "test/agent/test_packages.py",
    test: "test_what_root_would_run_by_itself_is_put_aside_once",
  },
  {
    attack: "an app lists a resolver, a kernel, a login module or what upgrades by itself, or a package that depends on one",
    holds: "it is refused by name before anything is installed",
    file: "test/agent/test_packages.py",
    test: "test_what_is_the_node_s_is_refused_to_a_site_before_anything_is_installed",
  },
  {
    attack: "a source of packages is signed by somebody else",
    holds: "it is refused by name, and the node's apt is as before",
    file: "test/nodes/apt.test.ts",
    test: "a source with another key is refused by name",
  },
  {
    attack: "a source of packages offers later versions of the distribution's",
    holds: "nothing that is not named comes from it",
    file: "test/nodes/apt.test.ts",
    test: "a package of it is installed for a site, answered, and one that the distribution has is the distribution's",
  },
  {
    attack: "an app ships a .deb in an environment that does not allow it",
    holds: "it is refused before anything is touched",
    file: "test/nodes/apt.test.ts",
    test: "is refused where the environment does not allow it",
  },
  {
    attack: "an app ships a .deb in place of a package of the node, or of another site",
    holds: "it is refused, and what is there stays",
    file: "test/agent/test_debs.py",
    test: "test_what_the_node_has_from_elsewhere_or_from_another_site_is_never_replaced",
  },
  {
    attack: "an app lists a package by a name that is a pattern to apt",
    holds: "it is refused as unknown, and nothing is installed",
    file: "test/agent/test_packages.py",
    test: "test_a_name_with_a_dot_is_a_name_and_brings_nothing_else",
  },
];
