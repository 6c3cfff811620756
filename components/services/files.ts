import { z } from "zod";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import type { ServiceType } from "./service.ts";

/** A directory for users' uploads. Its quota is the size of its own file system, which every kernel can enforce. */
export const files: ServiceType<{ bytes: number }> = {
  summary: "a directory for uploaded files, within a quota",
  options: { quota: unparsedSize("16M", "1T").describe("largest size of all files together, 1G by default") },
  keepsData: true,
  packages: ["e2fsprogs", "mount"],
  told: z.strictObject({ bytes: count }),
  tell: ({ options }) => ({ bytes: parseBytes(options.quota ?? "1G") }),
  prefix: "FILES",
  variables: { "": "@DIRECTORY@", URL: "file://@DIRECTORY@" },
  writesData: true,
  disk: ({ bytes }) => bytes,
  shown: ({ bytes }) => `${bytes / 1024 ** 2}M`,
};
