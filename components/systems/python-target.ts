import { z } from "zod";
import { anyText } from "../text/node-names.ts";

/** What compiled Python libraries must fit. */
export const pythonTarget = z.strictObject({
  /** Version of the distribution's python3, which mod_wsgi is built for. */
  python: anyText,
  /** As uv names platforms. */
  platform: anyText,
});
export type PythonTarget = z.infer<typeof pythonTarget>;
