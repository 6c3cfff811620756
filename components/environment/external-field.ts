import { z } from "zod";
import { either, field, text, type FieldRule } from "../text/schema/fields.ts";
import { name } from "../text/schema/names.ts";
import { count } from "../text/schema/quantities.ts";
import { hostName } from "./machine-fields.ts";
import { secretVersion } from "./secret-field.ts";

const PEM = "-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\\s]{1,16000}-----END CERTIFICATE-----\\s*";

const authority = z.strictObject({
  ca: text(new RegExp(`^(?:${PEM}){1,20}$`), {
    code: "bad-text",
    must: "certificates in PEM, as one text",
    isHidden: true,
    example: "a text that begins with -----BEGIN CERTIFICATE-----",
    explain: (value) => (String(value).includes("PRIVATE KEY") ? { fix: "give the certificate alone, never a key" } : undefined),
  }),
});

const tls = either([z.literal(true), z.literal("true").transform(() => true as const), authority], {
  code: "wrong-type",
  must: "true, or {ca: CERTIFICATES}",
  example: "true",
  explain: (value) => (value === false ? { fix: "delete it: there is no TLS then" } : undefined),
});

const versionRule: FieldRule = {
  code: "bad-text",
  must: "the beginning of a version: numbers with dots between",
  example: '"16"',
};

const version = field(
  z.union([z.string().regex(/^[0-9]{1,5}(?:\.[0-9]{1,5}){0,3}$/), z.int().min(1).max(99_999).transform(String)]),
  versionRule,
);

const word = (must: string, example: string) =>
  text(/^[A-Za-z0-9_.~+-]{1,100}$/, { code: "bad-text", must: `${must}: at most 100 letters, digits, _ . ~ + and -`, example });

/** Where a service is that somebody else runs. Which keys a type takes, planning says. */
const place = field(
  z.strictObject({
    url: secretVersion(
      "All of its address in one secret, with user, password and name. Then it stands alone, or with tls and version.",
    ).exactOptional(),
    host: hostName().exactOptional().describe("Its name or address. Must be given where there is no url."),
    port: count(1, 65_535).exactOptional().describe("Its port. Default: that of its type."),
    name: word("the name of a database, a core or the like", "blog")
      .exactOptional()
      .describe(
        "Its database (postgres, mysql, couchdb, mongodb), number of a database (redis), virtual host (rabbitmq) or core (solr).",
      ),
    user: text(/^[^\s\p{Cc}]{1,100}$/u, { code: "bad-text", must: "the name of a user, without blanks", example: "app" })
      .exactOptional()
      .describe("User that logs in."),
    password: secretVersion("Password of that user, as a secret.").exactOptional(),
    tls: tls
      .exactOptional()
      .describe(
        "true: TLS, and the certificate must be of its host and of an authority that the node's system trusts; {ca: TEXT}: of this authority. Default: none, unless the url says so.",
      ),
    version: version
      .exactOptional()
      .describe("What the server's version must begin with, or a rollout is refused. Default: not checked."),
  }),
  {
    code: "wrong-type",
    must: "a map of what leads to it: host and more, or url",
    example: "{host: db.acme.net}",
    isHidden: true,
  },
).describe("Address of a service that somebody else runs.");

/** One entry of a site's `services`: a node, or the place of a service that somebody else runs. */
export const servicePlace = either([name(), z.strictObject({ external: place })], {
  code: "wrong-type",
  must: "a node, or {external: PLACE}",
  example: "data1",
});
