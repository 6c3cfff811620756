/** A program for engine tests that makes the commands its file `commands.json` lists. */
import type { Engine, Files } from "./engine.ts";

/** Inputs as JSON; `{ secret: value }` becomes a secret, `{ stdoutOf: name }` the output of a command listed before. */
export interface CommandSpec {
  kind: "local" | "remote";
  /** Resource options. */
  options?: Record<string, unknown>;
  [input: string]: unknown;
}

export type Commands = Record<string, CommandSpec>;

const program = `
import { readFileSync } from "node:fs";
import { local, remote } from "@pulumi/command";
import { secret } from "@pulumi/pulumi";

const made = {};
const revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if ("secret" in value) return secret(value.secret);
  if ("stdoutOf" in value) return made[value.stdoutOf].stdout;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, revive(inner)]));
};
for (const [name, { kind, options, ...inputs }] of Object.entries(JSON.parse(readFileSync("commands.json", "utf8")))) {
  made[name] = new { local, remote }[kind].Command(name, revive(inputs), options);
}
`;

/** The files of a program that makes `commands`. */
export const commandProgram = (commands: Commands): Files => ({ "index.ts": program, ...commandList(commands) });

/** Makes the program ask for `commands` from now on. */
export const setCommands = (engine: Engine, commands: Commands): void => {
  engine.write(commandList(commands));
};

const commandList = (commands: Commands): Files => ({ "commands.json": JSON.stringify(commands) });
