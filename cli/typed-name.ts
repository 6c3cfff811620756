import { createInterface } from "node:readline";
import { UserError } from "./user-error.ts";

/** What a person is asked to type a name for. */
export interface Question {
  /** Before the cursor: `Type its name to destroy it`. */
  prompt: string;
  /** What stays as it is otherwise. */
  stays: string;
  /** Who asks: `silver destroy`. */
  verb: string;
}

/**
 * Asks for a name on stderr, and reads it from stdin: by whom it is typed is the same to a script.
 * @throws UserError when another one is typed, or nothing
 */
export async function askForName(name: string, { prompt, stays, verb }: Question): Promise<void> {
  process.stderr.write(`${prompt}: `);
  const typed = await typedLine();
  if (!process.stdin.isTTY) process.stderr.write("\n");
  if (typed === name) return;
  const what = typed === "" ? "nothing was typed" : `${JSON.stringify(typed)} is not its name`;
  throw new UserError(`${what}: ${stays} stays as it is`, `type ${name} when ${verb} asks for it`);
}

/** The first line of stdin; nothing where it ends without one. */
async function typedLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin });
  for await (const line of lines) return line.trim();
  return "";
}
