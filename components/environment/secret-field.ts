import { z } from "zod";
import { field } from "../text/schema/fields.ts";
import { count } from "../text/schema/quantities.ts";

/**
 * A version of a secret. A value in its place is shown in no message.
 * @param what it is, as a sentence
 */
export function secretVersion(what?: string) {
  const version = count(1, 1_000_000).describe(
    `${what === undefined ? "" : `${what} `}Version of the secret. The configuration of the stack keeps its value below secrets, as \`<site>.<variable>@<version>\`.`,
  );
  return field(z.strictObject({ secret: version }), {
    code: "wrong-type",
    must: "{secret: VERSION}",
    example: "{secret: 1}",
    isHidden: true,
    explain: () => ({ fix: "write {secret: 1}, and keep the value by silver secret set" }),
  });
}
