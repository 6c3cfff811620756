import { httpsAttacks } from "./https-attacks.ts";
import { nodeAttacks } from "./node-attacks.ts";
import { packageAttacks } from "./package-attacks.ts";
import { serviceAttacks } from "./service-attacks.ts";
import { previewAttacks } from "./preview-attacks.ts";
import { visitorAttacks } from "./visitor-attacks.ts";

/** One attack, or one fault that does as much harm. */
export interface Attack {
  /** What somebody does, or what happens. */
  attack: string;
  /** What must hold all the same. */
  holds: string;
  /** Where that is tested. */
  file: string;
  /** Words of the test's name, as they stand in the file. */
  test: string;
}

/** What was tried against the project, and is tried again by its tests. A new kind goes to the end of its part: files, texts, runs, previews, nodes. */
export const attacks: readonly Attack[] = [
  {
    attack:
      "a pull request has a link instead of a manifest, a requirements.txt, an environment, an app or a configuration directory",
    holds: "no file of the machine is read, and none is shown",
    file: "test/unit/files-read.test.ts",
    test: "no file of the machine is read through a link",
  },
  {
    attack: "the same for templates",
    holds: "no file of the machine is read, and none is shown",
    file: "test/unit/files-read.test.ts",
    test: "templates below %s",
  },
  {
    attack: "the same for the line that an issue shows",
    holds: "no file of the machine is read, and none is shown",
    file: "test/unit/files-read.test.ts",
    test: "what an issue shows a line of",
  },
  {
    attack: "a pull request has a link that leads out of an app or a configuration directory, by way of other links as well",
    holds: "the head is refused, and the link is gone from the checkout",
    file: "test/process/ci-head.test.ts",
    test: "what is refused",
  },
  {
    attack: "an environment of a pull request names a directory of the program as an app or a configuration",
    holds: "the head is refused: its program never runs",
    file: "test/process/ci-head.test.ts",
    test: "directories of the program, under every name that this repository has",
  },
  {
    attack: "an environment names .silver or .git as a configuration directory",
    holds: "nothing is shipped from a hidden directory",
    file: "test/unit/files-read.test.ts",
    test: "nothing is shipped from %s",
  },
  {
    attack: "an app has a pipe, at any place that is read",
    holds: "it is named at once, and nobody waits for its other side",
    file: "test/process/ci-head.test.ts",
    test: "a pipe is named, and nobody waits for its other side",
  },
  {
    attack: "an app with a link out of itself is checked by its path alone (`silver validate apps/blog`)",
    holds: "it is judged as its bundle would be",
    file: "test/process/ci-head.test.ts",
    test: "silver validate judges an app as its bundle would",
  },
  {
    attack: "an app has a device, a file of a gigabyte, or links to directories above themselves",
    holds: "reading ends, and soon",
    file: "test/unit/files-read.test.ts",
    test: "nothing is read without an end",
  },
  {
    attack: "a file's name holds a line end and a command",
    holds: "nothing of it is run",
    file: "test/mocks/program.test.ts",
    test: "a broken site's command runs nothing that stands in a file's name",
  },
  {
    attack: "an app answers or logs control characters, or lines that a CI service takes for commands",
    holds: "no terminal and no CI service obeys them, in verdicts, logs, status and plans",
    file: "test/unit/printable.test.ts",
    test: "nothing of it is obeyed",
  },
  {
    attack: "a file of a configuration directory or a template has control characters above ASCII in its name",
    holds: "`silver config` shows them as text",
    file: "test/process/cli-config.test.ts",
    test: "what a terminal would obey in the name of a file is shown as text",
  },
  {
    attack: "a comment of a manifest has control characters or commands to a CI service, and the manifest is converted",
    holds: "`silver convert` shows them as text",
    file: "test/unit/convert.test.ts",
    test: "what a terminal would obey in a comment is shown as text",
  },
  {
    attack: "an app logs a secret, and its release is rolled back, pruned, or removed with its site",
    holds: "`silver logs` shows `[secret]`",
    file: "test/agent/test_logs.py",
    test: "class Former(NodeTest)",
  },
  {
    attack: "an app shows a secret as a page, JSON, SQL, a shell or Basic authorization has it, or at the end of what is shown",
    holds: "it is `[secret]` in each form, and no part of it is left",
    file: "test/agent/test_check.py",
    test: "test_a_secret_is_hidden_in_whatever_form_an_app_writes_it",
  },
  {
    attack: "an app answers or logs the site's own key (SILVER_SECRET_FILE), or one of before its rotations",
    holds: "verdicts and `silver logs` show `[secret]`",
    file: "test/agent/test_check.py",
    test: "test_the_site_s_own_key_is_in_none_either_whatever_rotations_it_had",
  },
  {
    attack: "an app logs a password that is a part of a secret URL: of its user, or among what follows `?`",
    holds: "it is a secret of its own",
    file: "test/agent/test_external.py",
    test: "test_all_words_of_a_secret_are_hidden",
  },
  {
    attack: "an app logs a line so long that the journal breaks it within a secret",
    holds: "neither part of it is shown by a verdict or `silver logs`",
    file: "test/agent/test_check.py",
    test: "test_a_secret_is_hidden_where_a_long_line_is_broken",
  },
  {
    attack: "the engine is killed while it holds the stack",
    holds: "the next `silver up` on that machine takes the lock away, and says what was left unfinished",
    file: "test/process/locks.test.ts",
    test: "the lock of a run that was killed on this machine is taken away",
  },
  {
    attack: "two people deploy one stack at a time",
    holds: "the second waits, and is told for whom",
    file: "test/process/locks.test.ts",
    test: "one of a run that goes on is waited for, and its holder is named once",
  },
  {
    attack: "somebody deploys whose processes another user may not see (hidepid)",
    holds: "their lock stays until they are gone",
    file: "test/process/locks.test.ts",
    test: "the lock of somebody whose processes this user may not see stays",
  },
  {
    attack: "`npm run down` in a checkout whose .silver has the state or the passphrase of another environment",
    holds: "stack dev goes alone",
    file: "test/process/down.test.ts",
    test: "another stack is named and left alone: %s",
  },
  {
    attack: "a change moves a site with data to another node, or to another machine under the node's name",
    holds: "it is `DATA`, refused in the comment, and nobody can accept it",
    file: "test/unit/losses.test.ts",
    test: "is DATA, refused by name, and nobody can accept it",
  },
  {
    attack: "the same by `pulumi up`, whatever the comment said",
    holds: "the program refuses it before anything runs",
    file: "test/engine/lost-data.test.ts",
    test: "a site with data that moves to another node is refused before anything runs",
  },
  {
    attack: "a protected environment is destroyed, loses a site with data, or gets other bytes under one version",
    holds: "it keeps what it has",
    file: "test/engine/lost-data.test.ts",
    test: "a protected environment",
  },
  {
    attack: "`pulumi destroy` in a protected environment, of all, of one site, or going on after errors",
    holds: "it is refused before anything is touched, sites without data included",
    file: "test/engine/destroy.test.ts",
    test: "is refused before anything is touched",
  },
  {
    attack: "`silver destroy` without the name typed: nothing, `yes`, another name, a part of it",
    holds: "nothing is touched",
    file: "test/engine/destroy.test.ts",
    test: "silver destroy touches nothing where %s is typed",
  },
  {
    attack: "`npm run down` where stack dev is protected, and its state is compressed or spoiled",
    holds: "it stays",
    file: "test/process/down.test.ts",
    test: "so does one of which %s",
  },
  {
    attack: "`npm run down` where stack dev is protected",
    holds: "its nodes, its state and its passphrase stay",
    file: "test/process/down.test.ts",
    test: "a protected stack keeps its nodes, its state and its passphrase",
  },
  ...previewAttacks,
  {
    attack: "a release fails on a full node, or while a service of its site is down",
    holds: "the rollout is refused with that as its cause",
    file: "test/agent/test_check.py",
    test: "test_what_is_wrong_with_the_node_is_the_cause_and_not_the_release",
  },
  {
    attack: "a site's first rollout fails",
    holds: "no mount, image, database or unit is left",
    file: "test/agent/test_services.py",
    test: "test_a_first_rollout_that_fails_leaves_nothing_of_its_services",
  },
  {
    attack: "a unit file is lost",
    holds: "`silver status` says so and exits 1",
    file: "test/agent/test_verify.py",
    test: "test_a_lost_unit_file_and_one_that_does_not_start_at_boot_are_told",
  },
  {
    attack: "a label leads to the 503 page",
    holds: "the same",
    file: "test/agent/test_verify.py",
    test: "test_a_label_that_leads_elsewhere_is_told",
  },
  {
    attack: "a VCL is emptied",
    holds: "the same, before a restart needs it",
    file: "test/agent/test_verify.py",
    test: "test_an_emptied_vcl_is_told_before_a_restart_needs_it",
  },
  {
    attack: "what holds sites to their quotas, or finishes what a dead rollout left, runs no more",
    holds: "`silver status` says so and exits 1, and `silver heal` starts it",
    file: "test/agent/test_verify.py",
    test: "test_a_timer_that_no_longer_holds_quotas_or_ends_dead_rollouts_is_told_and_sites_are_asked",
  },
  {
    attack: "a site fails its own check, and nothing changed",
    holds: "`silver up` says so and exits 1",
    file: "test/process/cli-up.test.ts",
    test: "a site for which nothing ran, and which fails its own check",
  },
  ...packageAttacks,
  ...nodeAttacks,
  ...visitorAttacks,
  ...httpsAttacks,
  ...serviceAttacks,
];
