import type { Attack } from "./attacks.ts";

/** What was tried on the judgement of a change: of a pull request, and of what a deployment would do. */
export const previewAttacks: readonly Attack[] = [
  {
    attack: "a pull request changes the program itself",
    holds: "it is not judged, and no site is said to stay as it is",
    file: "test/process/cli-plan.test.ts",
    test: "what another program would do is not judged",
  },
  {
    attack:
      "a pull request changes what else is deployed with: scripts, the command line, .gitattributes, .npmrc, CI's own files, a package.json below stacks/",
    holds: "it is not judged either",
    file: "test/process/cli-plan.test.ts",
    test: "whatever else is deployed with, or found by its name, belongs to the program",
  },
  {
    attack: "a file of the program, or an environment, has a name that is Markdown or HTML",
    holds: "the comment's first line has no name of a stranger in it",
    file: "test/process/cli-plan.test.ts",
    test: "no name of a file is Markdown in the first line of a comment",
  },
  {
    attack: "a pull request adds .gitattributes above its apps, so that a clone has other bytes of them",
    holds: "every app whose bytes change is told",
    file: "test/process/cli-plan.test.ts",
    test: "attributes of git that change the bytes of apps are seen, wherever they stand",
  },
  {
    attack: "a pull request takes `protected` away, and nothing else",
    holds: "the comment says so, though nothing runs",
    file: "test/process/cli-plan.test.ts",
    test: "that an environment is protected no longer is told, though nothing runs",
  },
  {
    attack: "a service becomes one of another type under its name, also in a protected environment",
    holds: "it is `DATA`, and refused where the environment is protected",
    file: "test/unit/losses.test.ts",
    test: "refuses %s, also where the same change takes protected out",
  },
  {
    attack: "a Redis that keeps its data gets less memory, or a policy that deletes",
    holds: "it is `DATA`",
    file: "test/unit/losses.test.ts",
    test: "a Redis that keeps its data, and would delete some of it",
  },
  {
    attack: "a Redis that deletes nothing gets less memory than it holds",
    holds: "it is refused before anything is touched",
    file: "test/agent/test_servers.py",
    test: "test_less_memory_than_it_holds_is_refused_before_anything_is_touched",
  },
  {
    attack: "a Redis that deletes nothing is full",
    holds: "`silver status` tells it",
    file: "test/agent/test_servers.py",
    test: "test_one_whose_memory_is_full_and_that_deletes_nothing_is_told",
  },
  {
    attack: "a node is replaced that has the name of a site",
    holds: "both are told, each with its own blocking words",
    file: "test/unit/preview-steps.test.ts",
    test: "a node and a site of one name are two changes, each with its own words",
  },
  {
    attack: "a node gets the key of another machine that ends as its own does",
    holds: "it is `REPLACED`, and the keys are shown",
    file: "test/unit/losses.test.ts",
    test: "so is one whose key only begins otherwise, which is not what reviewers are shown of it",
  },
  {
    attack: "a source of packages gets another key, made up so that its digest begins as that of the one before does",
    holds: "it is told: all of it is compared and shown, as of packages that an app brings, and of configuration directories",
    file: "test/unit/apt.test.ts",
    test: "a key is told whose digest begins as that of the one before does",
  },
  {
    attack: "files of an app become others whose bundle has the same short id",
    holds: "they are told, and never called the same bytes",
    file: "test/unit/changes.test.ts",
    test: "other files are never said to be the same bytes, also where the digests of both begin alike",
  },
  {
    attack: "an external service gets the authority of somebody else, to whom the app would give its password",
    holds: "the comment shows the digest of both",
    file: "test/unit/external.test.ts",
    test: "whatever leads elsewhere is another text, the authority that its server must be of, too",
  },
  {
    attack: "a site goes, or moves, that could not be planned before",
    holds: "it is told, and `DATA`",
    file: "test/unit/changes.test.ts",
    test: "a site that was broken and goes is told, and what it had is not said to stay",
  },
  {
    attack: "an app's manifest names a location within another app's host, and gets its requests and cookies",
    holds: "the comment says from which site it takes them, though nothing runs for that one",
    file: "test/unit/changes.test.ts",
    test: "a site that gets requests of another one says so, for which nothing runs: %s",
  },
  {
    attack: "the value of a secret changes under its version",
    holds: "the change is refused, and asks for a version of its own",
    file: "test/process/cli-plan.test.ts",
    test: "one that changes under its version is refused",
  },
  {
    attack: "somebody who can't read a secret copies what it is encrypted to into their own app's",
    holds: "the comment says of which secret it is the value",
    file: "test/process/cli-plan.test.ts",
    test: "one that is copied from another place is told",
  },
  {
    attack: "the same with one that only an earlier commit, another branch or another stack has",
    holds: "the comment says so, too",
    file: "test/process/cli-plan.test.ts",
    test: "so is one that is copied from a commit of long ago, or of a branch that this one did not begin at",
  },
  {
    attack: "the same with a line end in the copy, or another last character that means the same bytes",
    holds: "it is refused: a value has the one form that Pulumi writes",
    file: "test/process/cli-plan.test.ts",
    test: "one that has %s is refused, since it would be another text of the same value",
  },
  {
    attack: "a secret is given by another name that Pulumi takes for the same, as a text, all in one, or from another place",
    holds: "it is refused: the value may be another, and no reviewer sees it",
    file: "test/process/cli-plan.test.ts",
    test: "one that is given $form is refused: reviewers see nothing of it",
  },
  {
    attack: "a change hides behind the long value of another one of its kind, where a comment's line ends",
    holds: "each has a line of its own",
    file: "test/unit/changes.test.ts",
    test: "a long value hides no other one of the same kind in a comment",
  },
  {
    attack: "a change of memory hides behind one of the number of processes",
    holds: "both are told",
    file: "test/unit/preview-steps.test.ts",
    test: "what git alone tells of a site's processes is not hidden by their number, which the preview tells",
  },
  {
    attack: "a line of a requirements.txt is blanks, `#` or hashes by the thousand, on which a pattern takes hours",
    holds: "it is judged at once, and of very many mistakes the first are told",
    file: "test/unit/requirements.test.ts",
    test: "a line of %s is judged at once",
  },
  {
    attack: "a template is made up so that reading it takes hours",
    holds: "it is read at once",
    file: "test/unit/template.test.ts",
    test: "a template of %s is read at once",
  },
  {
    attack: "the text of a runner is made up so that judging it takes hours",
    holds: "it is judged at once",
    file: "test/unit/manifest-read.test.ts",
    test: "a runner %s made up to take hours is judged at once",
  },
  {
    attack: "commits are pushed to a pull request after a person let a blocking word pass",
    holds: "the word blocks again until the label is put on anew",
    file: "test/engine/ci-recipes.test.ts",
    test: "a label lets a word pass for the commits that it was put on, and for none that came later",
  },
  {
    attack: "a label of earlier commits is on still when somebody lets another word pass",
    holds: "it blocks: only words of the label that was just put on pass",
    file: "test/engine/ci-recipes.test.ts",
    test: "and for none that came later, also not with another label",
  },
  {
    attack: "an older version comes with bytes of its own",
    holds: "it is refused; reverting a commit is not",
    file: "test/process/cli-plan.test.ts",
    test: "an older version with bytes of its own is refused",
  },
  {
    attack:
      "two environments have one node: set-up, rollout and removal, also with an older agent or a spoiled record of whose it is",
    holds: "the second is refused before anything is touched, with the owner's name and the command that hands the node over",
    file: "test/agent/test_claim.py",
    test: "test_another_is_refused_with_the_owner_s_name_and_the_command_and_nothing_is_touched",
  },
  {
    attack: "an environment goes whose local node another of its checkout has by the same name",
    holds: "the node stays",
    file: "test/process/claim.test.ts",
    test: "a local node that another environment of the checkout has made is not removed",
  },
  {
    attack: "a secret is rotated without its value",
    holds: "the comment says so, below what git says",
    file: "test/engine/preview-markdown.test.ts",
    test: "a rotation without its value, too",
  },
  {
    attack: "an environment of a pull request, or of its base, can't be planned",
    holds: "the comment is there, says which and why, and the job fails",
    file: "test/engine/ci-recipes.test.ts",
    test: "one whose environment can't be planned gets its comment, too, and may not be merged",
  },
  {
    attack:
      "a pull request's head has a link out of apps/, names a directory of the program as an app, or has a tree made by hand",
    holds: "it is refused before anything is written, the comment says what and why, and the job fails",
    file: "test/engine/ci-recipes.test.ts",
    test: "a head that is refused, here for a link out of apps/, is told with the reason, and may not be merged",
  },
  {
    attack: "its `.gitattributes` name a program that the CI machine has configured for git",
    holds: "nothing is run, and the bytes are those that git keeps",
    file: "test/process/ci-head.test.ts",
    test: "the bytes are those that git keeps, and nothing runs that this machine has configured for git",
  },
  {
    attack:
      "an app that somebody only looks at has a pip.py, a .venv, settings of uv that name a Python, or a list with a library that must be built, and `silver lock` is asked for it",
    holds: "none of it runs: uv and pip work where nothing of the app is, from lines of known forms; others are refused",
    file: "test/process/cli-lock.test.ts",
    test: "nothing runs that an app has beside its list",
  },
  {
    attack:
      "a list of libraries names an index with `${PASSWORD}` in its address, which uv would put in from the variables of whoever pins it",
    holds: "the line is refused by name, and nothing is asked",
    file: "test/process/cli-lock.test.ts",
    test: "%s is refused",
  },
  {
    attack: "its errors are thousands, or hold escapes, fences and commands to a CI service",
    holds: "the comment is bounded, and all of it is text",
    file: "test/process/cli-plan.test.ts",
    test: "by so many errors, and by text of a stranger that would be a command, a heading or a fence",
  },
  {
    attack: "Pulumi's own error has the passphrase, a token or the password of the state's address",
    holds: "the comment has none of them",
    file: "test/unit/own-secrets.test.ts",
    test: "the value of %s, %s, is left out: %s",
  },
  {
    attack: "an environment trusts proxies at a loopback address, or in a network that its nodes are in, too",
    holds: "the comment warns that each site there can pass off any address as a visitor's",
    file: "test/unit/environment-parse.test.ts",
    test: "proxies that the sites of a node can pass themselves off as are a warning",
  },
];
