import { readFileSync } from "node:fs";

/** A file of this program that goes into releases; read once, when the program starts, like its modules. */
export function programFile(path: string, from: string): string {
  return readFileSync(new URL(path, from), "utf8");
}
