import { readFileSync } from "node:fs";

/** A file of this program that travels with releases; read once, when the program starts, as its modules are. */
export function programFile(path: string, from: string): string {
  return readFileSync(new URL(path, from), "utf8");
}
