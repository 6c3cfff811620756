import { z } from "zod";
import { name } from "../text/schema/names.ts";
import type { ServiceType } from "./service.ts";

/** Another site of the environment. Nothing is made for it: planning knows its address. */
export const app: ServiceType = {
  summary: "another site of the environment, by its address on the node",
  options: { site: name().describe("the site, by default that of the service's name") },
  keepsData: false,
  packages: [],
  told: z.strictObject({}),
  tell: () => ({}),
  prefix: "APP",
  variables: {},
  writesData: false,
  shown: () => "",
  elsewhere: "site",
};
