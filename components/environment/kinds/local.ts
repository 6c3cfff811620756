import type { z } from "zod";
import { toggle } from "../../text/schema/fields.ts";
import type { MachineKind } from "./kind.ts";

const keys = {
  local: toggle().prefault(false).describe("true: the node is a container on this machine, which the tool makes and starts."),
};

/** A machine on the computer that runs Pulumi. */
export const local = {
  keys,
  is: "is local",
  given: (node) => (node.local ? ["local"] : []),
  judge: () => undefined,
  read: () => ({ kind: "local" }),
  isMade: true,
  tell: () => "local",
} as const satisfies MachineKind<z.output<z.ZodObject<typeof keys>>, { kind: "local" }>;
