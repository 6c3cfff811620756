import { z } from "zod";
import { packageName } from "../manifest/app-fields.ts";
import { field, list, map, text } from "../text/schema/fields.ts";
import { LABEL, name } from "../text/schema/names.ts";

const packages = () => list(packageName(), "a list of packages", "[postgresql-17]");

const suite = text(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$|^\/$/, {
  code: "bad-text",
  must: "the name of a suite, or / for an archive that has none",
  example: "bookworm-pgdg",
});

const component = text(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
  code: "bad-text",
  must: "the name of a component",
  example: "main",
});

const source = z.strictObject({
  uri: text(new RegExp(`^https?://${LABEL}(?:\\.${LABEL})*(?::[0-9]{1,5})?(?:/[A-Za-z0-9_~+-][A-Za-z0-9._~+-]*)*/?$`), {
    code: "bad-text",
    must: "the address of an archive, http or https, without user and password",
    example: "https://apt.postgresql.org/pub/repos/apt",
  })
    // A port beyond 65535 has this form, too.
    .refine((uri) => URL.canParse(uri))
    .describe("Address of the archive."),
  suites: list(suite, "a list of suites", "[bookworm-pgdg]", 1).describe("Its suites; / alone where it has none."),
  components: list(component, "a list of components", "[main]")
    .default([])
    .describe("Its components; none where the suite is /."),
  key: text(/^-----BEGIN PGP PUBLIC KEY BLOCK-----\n[A-Za-z0-9+/=:.() ,\n-]{64,60000}-----END PGP PUBLIC KEY BLOCK-----\s*$/, {
    code: "bad-text",
    must: "a public key as gpg --armor --export prints it",
    example: "a text that begins with -----BEGIN PGP PUBLIC KEY BLOCK-----",
    isHidden: true,
  }).describe("The public key that signs it, as text: apt believes it for this archive alone."),
  packages: packages()
    .default([])
    .describe(
      "Packages that come from here in place of the distribution's. Others do only where neither the distribution nor the node has them.",
    ),
  nodes: list(name(), "a list of nodes", "[web1]", 1).exactOptional().describe("Nodes that have it. Default: all."),
});

const answer = text(
  /^[a-z0-9][a-z0-9+.-]{1,99} [A-Za-z0-9][A-Za-z0-9+._/-]{0,199} (?:boolean|string|select|multiselect|note|text) [^\p{Cc}\p{Zl}\p{Zp}]{0,500}$/u,
  {
    code: "bad-text",
    must: "one line: package, question, type and value, as debconf-get-selections prints it with blanks between",
    example: '"postfix postfix/main_mailer_type select No configuration"',
    explain: (value) =>
      String(value).includes(" password ") ? { fix: "leave it out: what is in this file is no secret" } : undefined,
  },
);

/** The key `apt`. */
export const apt = field(
  z.strictObject({
    sources: map(name(), source, "a map: name → source", "{pgdg: {uri: https://apt.postgresql.org/pub/repos/apt}}")
      .default({})
      .describe("Archives besides the distribution's."),
    answers: list(answer, "a list of answers", '["postfix postfix/main_mailer_type select No configuration"]')
      .default([])
      .describe("Answers to the questions of packages (debconf), set on each node before any package is installed."),
    debs: list(name(), "a list of sites", "[blog]")
      .default([])
      .describe(
        "Sites whose apps may bring Debian packages as files (debs): root runs what is in them, on each node of the site.",
      ),
  }),
  { code: "wrong-type", must: "a map of what apt knows besides the distribution", example: "{answers: []}" },
)
  .prefault({})
  .describe("What apt on the nodes knows besides the distribution.");
