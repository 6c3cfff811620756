import { z } from "zod";
import { jobRunsAtOnce } from "../platforms/capacity.ts";
import { unitRoles } from "../platforms/platform.ts";
import { canonicalJson } from "../render/canonical-json.ts";
import { releasePorts } from "../render/release-ports.ts";
import { protocol, silenceSeconds, verbs } from "./contract.ts";

/**
 * The contract as the agent reads it, `agent/silver/contract.json`: the JSON Schema of every verb's arguments, one verb per line.
 * It is checked in, so that the agent's bytes depend only on files.
 */
export function contractJson(): string {
  const lines = Object.entries(verbs).map(([verb, { args }]) => {
    const schema = { ...z.toJSONSchema(args), $schema: undefined };
    return `  ${JSON.stringify(verb)}: ${canonicalJson(schema)}`;
  });
  const head = { protocol, silenceSeconds, releasePorts, unitRoles, jobRunsAtOnce };
  const words = Object.entries(head).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return `{${words.join(", ")}, "verbs": {\n${lines.join(",\n")}\n}}\n`;
}
