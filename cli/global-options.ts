import { Help, type Command, type Option } from "commander";
import { UserError } from "./user-error.ts";

/** Verb → the global options that it does not use. */
const unused: Record<string, readonly string[]> = {
  init: ["environment"],
  convert: ["environment"],
  // What is on stdout is the command's.
  run: ["json"],
  shell: ["json"],
  // It takes the environment's name as its argument, so that the selected stack is never the one that goes.
  destroy: ["environment"],
};

const nameOf = (verb: Command): string => (verb.parent?.parent ? `${nameOf(verb.parent)} ${verb.name()}` : verb.name());

const isUsed = (verb: Command, option: Option): boolean => unused[nameOf(verb)]?.includes(option.attributeName()) !== true;

/** The global options in a verb's help. */
export function visibleGlobalOptions(verb: Command): Option[] {
  const help = new Help();
  help.showGlobalOptions = true;
  return help.visibleGlobalOptions(verb).filter((option) => isUsed(verb, option));
}

/** Refuses a global option that would be ignored. */
export function refuseUnused(program: Command, verb: Command): void {
  const given = program.options.find(
    (option) => !isUsed(verb, option) && program.getOptionValue(option.attributeName()) !== undefined,
  );
  if (given !== undefined) throw new UserError(`silver ${nameOf(verb)} has no ${given.long ?? ""}`, "leave it out", 2);
}
