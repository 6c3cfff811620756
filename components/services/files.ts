import { parseBytes } from "../text/schema/quantities.ts";
import type { Service, ServiceUse } from "./service.ts";

const directory = ({ site, generation }: Pick<ServiceUse, "site" | "generation">) => `/srv/silver/${site}/data/g${generation}`;

/** A directory for what users upload. Its quota is the size of a file system of its own, which every kernel can enforce. */
export const files: Service = {
  prefix: "FILES",
  setUp: (use) => ({
    type: "files",
    name: use.name,
    packages: ["e2fsprogs", "mount"],
    user: use.user,
    directory: directory(use),
    bytes: parseBytes(use.options.quota ?? "1G"),
  }),
  values: (use) => ({ "": directory(use), URL: `file://${directory(use)}` }),
};
