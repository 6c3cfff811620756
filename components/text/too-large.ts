import { error, type Issue } from "./issue.ts";

/** The issue of a text that is longer than `max` characters. */
export function tooLarge(text: { length: number }, file: string, max: number): Issue | undefined {
  if (text.length <= max) return undefined;
  const message = `the file has ${text.length} characters; the most is ${max}`;
  return error("too-large", { file, line: 1, column: 1 }, message, "move data into files of the app");
}
