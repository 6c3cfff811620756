import { z } from "zod";
import { choice, field, toggle } from "../text/schema/fields.ts";
import { duration } from "../text/schema/quantities.ts";

/** The key `https`. */
export const https = field(
  z.strictObject({
    authority: choice(["local"]).describe(
      "Who signs the certificates of the sites. local: an authority of this checkout's own, for nodes that are local; a browser warns until it is told to trust it ([HTTPS](https.md)).",
    ),
    redirect: toggle().prefault(true).describe("Sends visitors who come by http to https. false: sites answer to both."),
    hsts: duration("0s", "730d")
      .exactOptional()
      .describe(
        "Time for which browsers are to come by https alone, told with each answer over https (Strict-Transport-Security). Default: not told.",
      ),
  }),
  { code: "wrong-type", must: "a map of how the nodes speak https", example: "{authority: local}" },
)
  .exactOptional()
  .describe("HTTPS on the nodes with the role web. Default: http alone.");
