import { z } from "zod";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import type { ServiceType } from "./service.ts";

/** Files that the app writes and its Apache serves by itself. Their quota is the size of their own file system, as that of `files`. */
export const writableRoot: ServiceType<{ bytes: number }> = {
  summary: "a directory of files that the app writes and visitors get without it, within a quota",
  options: { quota: unparsedSize("16M", "1T").describe("largest size of all files together, 1G by default") },
  keepsData: true,
  packages: ["e2fsprogs", "mount"],
  told: z.strictObject({ bytes: count }),
  tell: ({ options }) => ({ bytes: parseBytes(options.quota ?? "1G") }),
  prefix: "WRITABLE_ROOT",
  variables: { "": "@DIRECTORY@", URL: "file://@DIRECTORY@" },
  writesData: true,
  disk: ({ bytes }) => bytes,
  shown: ({ bytes }) => `${bytes / 1024 ** 2}M`,
};
