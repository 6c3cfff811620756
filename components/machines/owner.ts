import { hash, randomBytes } from "node:crypto";
import { homedir, hostname } from "node:os";
import { resolve } from "node:path";
import { z } from "zod";
import { owner, type Owner } from "../node/contract.ts";
import { MachineError } from "./machine-error.ts";
import { runCommand } from "./run-command.ts";

/** What a machine's command printed, as far as its next run needs it. */
const printed = z.object({ address: z.string(), port: z.number(), hostKey: z.string(), owner: z.exactOptional(owner) });

/**
 * The environment that a machine's command runs for; undefined when a person runs it.
 *
 * Its id is kept in the stack's state, in what the command printed last: wherever that state moves, and whoever works on it, it is the
 * same environment. At first it follows from name and backend; where that is a directory, whose path says nothing on another computer,
 * it is random.
 * @param node what the environment calls the machine
 * @param variables of the command: `owner` has the environment's name
 */
export async function ownerFrom(node: string, variables: NodeJS.ProcessEnv): Promise<Owner | undefined> {
  const { owner: name } = variables;
  if (name === undefined) return undefined;
  const set = variables.PULUMI_BACKEND_URL ?? "";
  const url = set === "" ? await backendOfLogin() : set;
  const backend = backendText(url);
  const isShared = url !== undefined && !url.startsWith("file:");
  const made = isShared ? hash("sha256", `${name} ${backend}`) : randomBytes(32).toString("hex");
  return { id: printedBefore(variables)?.owner?.id ?? made, name, backend, node };
}

/** What a machine's command printed last; undefined when it has not run before, or a person runs it. */
export function printedBefore({ PULUMI_COMMAND_STDOUT: text = "" }: NodeJS.ProcessEnv): z.infer<typeof printed> | undefined {
  try {
    return printed.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Whether two owners of a node on this computer are one environment: also where its state was lost, and its id with it. */
export function isSameHere(one: Owner, other: Owner): boolean {
  return one.id === other.id || (one.name === other.name && one.backend === other.backend);
}

/**
 * The owner of a node on this computer from now on: it keeps the id that the node knows.
 * @param found whose it is; undefined: nobody's
 * @throws MachineError when it is another environment's
 */
export function ownerHere(found: Owner | undefined, asked: Owner): Owner {
  if (found === undefined) return asked;
  if (isSameHere(found, asked)) return { ...asked, id: found.id };
  throw anothersHere(asked.node, found);
}

/** Says of a node on this computer that another environment has it. It goes with its disk, so it is never handed over. */
export function anothersHere(node: string, { name, backend }: Owner): MachineError {
  return new MachineError(
    `node ${node} of this checkout is another environment's: ${name}, whose state is in ${backend}`,
    `give the node another name in one of the two; or let the other one go: silver destroy ${stackOf(name)}`,
  );
}

/** The stack in `organization/project/stack`. */
export function stackOf(owner: string): string {
  return owner.split("/").at(-1) ?? "";
}

/** Parts of a backend's address that tell it from others, and do not open it. */
const telling = ["endpoint", "storage_account", "domain"];

/** Where a state is, for people: without user, password and whatever else may be a key. */
export function backendText(url: string | undefined): string {
  if (url === undefined) return "a backend that pulumi did not name";
  const [, scheme = "", rest = "", query = ""] = /^([a-z0-9+.-]+:\/\/)?([^?#]*)(?:\?([^#]*))?/is.exec(url) ?? [];
  if (scheme.toLowerCase() === "file://") {
    const path = resolve(import.meta.dirname, "../..", rest.replace(/^~(?=\/|$)/, homedir()));
    return `file://${path} on ${hostname()}`;
  }
  // A password may hold any character.
  const place = rest.replace(/^.*@/s, "").replace(/\/+$/, "");
  const kept = [...new URLSearchParams(query)].filter(([key, value]) => telling.includes(key) && !value.includes("@"));
  return `${scheme}${place}${kept.map(([key, value], index) => `${index === 0 ? "?" : "&"}${key}=${value}`).join("")}`;
}

/** The backend that `pulumi login` or the project's file chose; undefined when Pulumi does not say. */
async function backendOfLogin(): Promise<string | undefined> {
  try {
    const words = ["pulumi", "whoami", "--verbose", "--json", "--non-interactive"];
    const { stdout } = await runCommand(words, { timeoutSeconds: 30 });
    return z.object({ url: z.string() }).safeParse(JSON.parse(stdout)).data?.url;
  } catch {
    return undefined;
  }
}
