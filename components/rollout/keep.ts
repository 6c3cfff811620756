// Runs when Pulumi takes away what holds a protected environment together, before anything else goes: `keep.ts ENVIRONMENT`.
import { resolve } from "node:path";
import { loadEnvironment } from "../plan/load.ts";
import { destroyed } from "./protection.ts";

const root = resolve(import.meta.dirname, "../..");
const [environment = ""] = process.argv.slice(2);
const { value } = loadEnvironment(root, environment);

// Where its file can't be read, nobody has taken `protected` out of it.
if (process.env[destroyed] !== environment && (value === undefined || value.isProtected === true)) {
  const why = value === undefined ? `stacks/${environment}.yaml can't be read` : `stacks/${environment}.yaml is protected`;
  console.error(`${environment} stays as it is: ${why}. To destroy it: silver destroy ${environment}, which asks for its name`);
  process.exitCode = 1;
}
