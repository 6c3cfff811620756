import type { Attack } from "./attacks.ts";

/** What an app does to its services, or by them. */
export const serviceAttacks: readonly Attack[] = [
  {
    attack: "a site runs hundreds of workers, jobs and commands that take all of the processor",
    holds: "at most 128 at once, and all of them share the part of the machine that every site has, beside Varnish and the agent",
    file: "test/nodes/work.test.ts",
    test: "all that runs for the site shares the part of the machine that each site has",
  },
  {
    attack:
      "an external service is down, slow, of another version, has a certificate that no known authority signed, or refuses the login",
    holds: "the rollout is refused with its name, address and reason, and without its secret; nothing on the node is touched",
    file: "test/nodes/external.test.ts",
    test: "refused, by name and with what to do, and nothing is touched",
  },
  {
    attack: "an environment gives a site the place where a cloud hands out a machine's rights",
    holds: "the rollout is refused: it is asked as the site's user, whom the firewall keeps away",
    file: "test/nodes/external.test.ts",
    test: "an address where clouds give their rights away, which root reaches",
  },
  {
    attack: "an environment gives a site the place of another site's release",
    holds: "the same",
    file: "test/nodes/external.test.ts",
    test: "a release of another site, which root reaches",
  },
  {
    attack: "an external server says no end, or something else than its kind",
    holds: "it is read by the site's user, within a time and a size",
    file: "test/agent/test_external.py",
    test: "test_a_server_of_another_kind_one_that_never_ends_and_one_that_hangs_up",
  },
  {
    attack: "an external server answers over HTTP with a chunk of the size -1, which Python takes for all that follows",
    holds: "no more of it is read, and it is told",
    file: "test/agent/test_external.py",
    test: "test_a_page_whose_chunks_have_no_size_takes_no_memory",
  },
  {
    attack: "an external server says control characters",
    holds: "they are shown as text",
    file: "test/agent/test_external.py",
    test: "test_control_characters_of_a_server_go_nowhere",
  },
  {
    attack:
      "a MySQL that should speak TLS does not, or says something before it begins; one without TLS asks for the password in the clear",
    holds: "no password is sent, and where TLS is a must the rollout is refused",
    file: "test/agent/test_probe_mysql.py",
    test: "test_where_tls_is_a_must_no_password_goes_without_it",
  },
  {
    attack: "the password of an external service is looked for in output, logs, state and processes",
    holds: "it is in two files, which root and the site alone read",
    file: "test/nodes/external.test.ts",
    test: "its passwords are in no output, no log, no state and no process",
  },
  {
    attack:
      "an app calls a service so that it and its site have together the name of another site with its service (`shop`, `eu-db`)",
    holds: "the certificates of its authority are another file than the other's",
    file: "test/agent/test_external.py",
    test: "test_no_authority_of_a_site_is_another_site_s_whatever_the_services_are_called",
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
    attack: "an app puts functions, types and views in the way of an extension that its manifest asks for",
    holds: "the rollout is refused with PostgreSQL's own words, and the app's role is what it was",
    file: "test/nodes/postgis.test.ts",
    test: "what an app puts in the way of an extension",
  },
  {
    attack: "an app waits in its database for a superuser, such as one that makes PostGIS",
    holds: "none ever logs in there: PostGIS is made in a database that no app has entered, and copied",
    file: "test/nodes/postgis.test.ts",
    test: "the superuser never comes to a site's database",
  },
  {
    attack: "a user of the node dials the port of a site's database, with and without the site's password",
    holds: "only the site's user gets there, and logs in only with the password of a release that is on the node",
    file: "test/nodes/postgres-tcp.test.ts",
    test: "only the site's user reaches the port",
  },
  {
    attack: "a site listens on the address of another's database whose server is down",
    holds: "nobody hears it",
    file: "test/nodes/postgres-tcp.test.ts",
    test: "what binds the port of another's server",
  },
  {
    attack: "somebody looks for the password of a site's database in processes, logs, files and the stack's state",
    holds: "it stands with its release and with root alone",
    file: "test/nodes/postgres-tcp.test.ts",
    test: "the password stands nowhere",
  },
  {
    attack: "an app takes every place in its database's server over TCP, and says nothing",
    holds: "its next rollout finds its way in, and the app comes back",
    file: "test/nodes/postgres-tcp.test.ts",
    test: "a rollout finds its way in",
  },
  {
    attack: "an app over its quota comes over TCP, as a release that is newer than the measure",
    holds: "it can only read, whoever it logs in as",
    file: "test/nodes/postgres-tcp.test.ts",
    test: "its quota holds for what comes over TCP",
  },
  {
    attack: "an app deletes its logs, and holds them by a memory map or a descriptor in flight",
    holds: "its own room is full, and no other's",
    file: "test/nodes/quotas.test.ts",
    test: "what an app holds of its logs",
  },
  {
    attack: "an app takes every place in its PostgreSQL, and writes on by a session of before",
    holds: "the agent can log in, its quota holds, and no other site's measurement fails",
    file: "test/nodes/quotas.test.ts",
    test: "an app that takes every place in its server",
  },
  {
    attack: "an app reaches for another site's MariaDB, or for the files of its own",
    holds: "refused by the kernel",
    file: "test/nodes/mysql.test.ts",
    test: "neither site reaches the other's server, and no site its own server's files",
  },
  {
    attack: "an app reaches for its MariaDB's settings, accounts, plugins, files or other databases",
    holds: "refused by the server; what one's own account may do, it can't change",
    file: "test/nodes/mysql.test.ts",
    test: "what reaches beyond its own data is refused",
  },
  {
    attack: "an app takes every connection of its MariaDB, or holds those that say nothing",
    holds: "the agent gets in, a rollout goes through, no other site notices",
    file: "test/nodes/mysql.test.ts",
    test: "connections are limited",
  },
  {
    attack: "an app goes around the quota of its MariaDB by temporary tables",
    holds: "they have a limit of their own",
    file: "test/nodes/mysql.test.ts",
    test: "temporary tables have a limit of their own",
  },
  {
    attack: "an app goes around the quota of its MariaDB by a transaction that keeps old rows",
    holds: "they count",
    file: "test/nodes/mysql.test.ts",
    test: "a transaction that keeps old rows counts",
  },
  {
    attack: "an app fills the disk of its MariaDB before anybody measures",
    holds: "its own server ends, and is back within a minute, unable to write; no other site notices",
    file: "test/nodes/mysql.test.ts",
    test: "a disk that is filled before anybody measures",
  },
  {
    attack: "somebody who broke into a MariaDB asks the agent, which asks it as root, for a file (LOAD DATA LOCAL)",
    holds: "it gives none",
    file: "test/agent/test_mysql.py",
    test: "test_who_asks_it_as_root_gives_it_no_file_whatever_it_asks_for",
  },
  {
    attack: "an app reaches for another site's RabbitMQ, for Erlang's own ports, or for the files of its own",
    holds: "refused by the firewall and the kernel: the server is in a network of its own, and its proxy is the site's alone",
    file: "test/nodes/rabbitmq.test.ts",
    test: "only the site's user comes to it, by its proxy alone",
  },
  {
    attack: "an app logs in to its RabbitMQ as guest, as another site, with another password, or to another virtual host",
    holds: "refused by the server",
    file: "test/nodes/rabbitmq.test.ts",
    test: "no other user logs in, none without the password, and to no other virtual host",
  },
  {
    attack: "another site's app listens at the address of a RabbitMQ whose proxy is closed",
    holds: "it is not heard",
    file: "test/nodes/rabbitmq.test.ts",
    test: "what binds the address of one whose proxy is closed is not heard",
  },
  {
    attack: "a site is called as the rest of the name of another's unit is, such as `way-blog` beside `blog`",
    holds: "no unit of the one has the name of the other's",
    file: "test/agent/test_rabbitmq.py",
    test: "test_no_unit_of_a_site_has_the_name_of_another_site_s_whatever_the_sites_are_called",
  },
  {
    attack: "an app fills its RabbitMQ",
    holds: "above its quota it takes no messages; the site serves on, and no other site notices",
    file: "test/nodes/rabbitmq.test.ts",
    test: "above its quota it takes no messages",
  },
  {
    attack: "an app asks its Redis to change settings or rights, to load a module, to copy itself, or to end",
    holds: "refused, in scripts, too; another site's Redis and memcached can't be reached at all",
    file: "test/nodes/caches.test.ts",
    test: "neither site reaches the other's",
  },
  {
    attack: "an app fills the disk of its Redis",
    holds: "it can be read meanwhile; the node gives it room to rewrite its file",
    file: "test/nodes/caches.test.ts",
    test: "a disk that is full can be read",
  },
];
