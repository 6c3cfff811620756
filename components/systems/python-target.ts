import { z } from "zod";
import { pythonPlatform, pythonVersion } from "../text/node-names.ts";

/** What compiled Python libraries must fit. */
export const pythonTarget = z.strictObject({
  /** Version of the distribution's python3, which mod_wsgi is built for. */
  python: pythonVersion,
  /** As uv names platforms. */
  platform: pythonPlatform,
});
export type PythonTarget = z.infer<typeof pythonTarget>;
