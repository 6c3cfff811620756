import type { Attack } from "./attacks.ts";

/** What an app, a package, a cloud or a fault does on a node. */
export const nodeAttacks: readonly Attack[] = [
  {
    attack: "a package that an app lists brings a server, which takes port 80 after a reboot",
    holds: "it never runs; an administrator's own is named, and Varnish waits for the port",
    file: "test/nodes/packages.test.ts",
    test: "a server that comes with a package never takes port 80",
  },
  {
    attack: "an app takes every lock of its PostgreSQL",
    holds: "no other site's statement waits",
    file: "test/nodes/services.test.ts",
    test: "a site that takes every lock of its server",
  },
  {
    attack: "an app keeps temporary files of queries, or messages of NOTIFY that nobody reads",
    holds: "they count towards its quota, which ends the sessions that hold them",
    file: "test/nodes/quotas.test.ts",
    test: "makes the server hold beside its database counts",
  },
  {
    attack: "an app closes its own database to everybody",
    holds: "its next rollout opens it again",
    file: "test/nodes/quotas.test.ts",
    test: "an app that lets nobody into its database",
  },
  {
    attack: "an app writes wherever it may: in memory, in /run, beside its data",
    holds: "only in places that docs/services.md lists, each a file system of its own, of the size that the page says",
    file: "test/nodes/writable.test.ts",
    test: "writes where the docs say",
  },
  {
    attack: "an app deletes its logs, and holds them by a memory map or a descriptor in flight",
    holds: "its own room is full, and no other's",
    file: "test/nodes/quotas.test.ts",
    test: "what an app holds of its logs",
  },
  {
    attack: "an app asks a cloud for the machine's rights",
    holds: "only root reaches these addresses, and everybody the resolver there",
    file: "test/nodes/agent.test.ts",
    test: "only root reaches a cloud's metadata",
  },
  {
    attack: "somebody gets into Varnish, a database's server, or what runs the agent on a node's own behalf",
    holds: "`systemd-analyze security` finds few ways out, and the test holds how many",
    file: "test/nodes/golden.test.ts",
    test: "systemd finds few ways out of Varnish",
  },
  {
    attack: "a record of a node is cut, emptied, filled with garbage, or a directory, a link or a pipe is in its place",
    holds: "all sites serve after the next boot, state and rollout; what can't be made again concerns its own site",
    file: "test/agent/test_spoiled.py",
    test: "test_in_every_way_each_site_serves_what_it_did_after_a_boot",
  },
  {
    attack: "a node loses a unit, a link, a label, a VCL, a rendered file, its routes or its firewall",
    holds: "`silver heal` puts it back without a new release or a restart, and the second time has nothing to do",
    file: "test/agent/test_heal.py",
    test: "test_what_is_lost_comes_back_and_the_second_time_there_is_nothing_to_do",
  },
  {
    attack: "the data of a service is gone from its node",
    holds: "`silver heal` says so, and makes no empty one in its place",
    file: "test/agent/test_heal.py",
    test: "test_data_that_is_gone_is_told_and_never_made",
  },
  {
    attack: "a site's directory of files is unmounted, or its mount fails",
    holds: "it is mounted again within half a minute, unless somebody has put it away",
    file: "test/agent/test_services.py",
    test: "test_one_that_was_unmounted_comes_back_unless_somebody_has_put_it_away",
  },
  {
    attack: "somebody follows a page, a message or a hint and logs in to a site's database as its server's superuser",
    holds: "none says so, in any spelling",
    file: "test/unit/superuser-logins.test.ts",
    test: "none stands in a page, a message, a hint, the agent, an example or what tests are made of",
  },
  {
    attack: "a database's server or Varnish is killed, or a mount of files or logs is lost",
    holds: "each comes back by itself within half a minute",
    file: "test/nodes/heal.test.ts",
    test: "come back by themselves",
  },
  {
    attack: "an app answers its check with a secret, such as in the address of a redirect",
    holds: "`silver status`, `heal` and `up` show `[secret]`",
    file: "test/agent/test_verify.py",
    test: "test_a_secret_in_a_wrong_answer_is_not_told",
  },
  {
    attack: "an app asks systemd over D-Bus for a program outside of its unit",
    holds: "it reaches neither the bus nor systemd",
    file: "test/nodes/writable.test.ts",
    test: "writes where the docs say",
  },
  {
    attack: "an app answers its check drop by drop",
    holds: "it is cut off when its time is up, and status tells of the other sites",
    file: "test/agent/test_check.py",
    test: "test_an_answer_that_comes_drop_by_drop_is_cut_off_when_time_is_up",
  },
  {
    attack: "an app locks every file that it can read, and waits for the locks of others",
    holds: "packages are configured, and a Varnish that was killed comes back",
    file: "test/nodes/held.test.ts",
    test: "Varnish comes back when it was killed",
  },
  {
    attack: "an app opens terminals until the node has no more",
    holds: "it gets none, and a person who logs in has one",
    file: "test/nodes/held.test.ts",
    test: "a person who logs in has a terminal",
  },
  {
    attack: "an app connects to every socket of the node's that it finds",
    holds: "it reaches its own Apache and the journal",
    file: "test/nodes/held.test.ts",
    test: "it reaches its own Apache and the journal, and no other socket",
  },
  {
    attack: "an app tells systemd of itself without a pause",
    holds: "systemd does not hear it, and answers others",
    file: "test/nodes/held.test.ts",
    test: "systemd answers, whoever would have it listen",
  },
  {
    attack: "an app takes every place in its PostgreSQL, and writes on by a session of before",
    holds: "the agent can log in, its quota holds, and no other site's measurement fails",
    file: "test/nodes/quotas.test.ts",
    test: "an app that takes every place in its server",
  },
  {
    attack: "an app takes every place of the node's SSH server",
    holds: "it does not reach it, and others do",
    file: "test/nodes/agent.test.ts",
    test: "a site can't take the places of those who log in to the node",
  },
  {
    attack: "an app ships a file of Python that takes gigabytes to compile",
    holds: "the agent's compiler has half a gigabyte, and compiles the other files",
    file: "test/agent/test_bundle.py",
    test: "test_a_source_that_takes_the_node_s_memory_is_left_and_the_others_are_compiled",
  },
  {
    attack: "an app lists a package by a name that is a pattern to apt",
    holds: "it is refused as unknown, and nothing is installed",
    file: "test/agent/test_packages.py",
    test: "test_a_name_with_a_dot_is_a_name_and_brings_nothing_else",
  },
  {
    attack: "the record of how a site is checked is lost, or a rollout is undone after one node has passed another check",
    holds: "`silver status` says that it does not know, or asks as the release that serves was asked",
    file: "test/agent/test_verify.py",
    test: "test_a_lost_check_is_its_site_s_problem_and_says_what_is_not_known",
  },
  {
    attack:
      "an app makes its PostgreSQL hold more beside its database: shared locks of rows, exported snapshots, transactions, texts about the database",
    holds: "all of it counts towards its quota, and what only sessions need goes with them",
    file: "test/agent/test_quotas.py",
    test: "test_what_an_app_makes_the_server_hold_beside_its_databases_counts",
  },
];
