import { systemdString } from "../text/literals.ts";

/** The line of a unit that starts a command of the app, in the environment of its release: by the program that `silver run` uses. */
export function runLine(command: string): string {
  const words = command.split(" ").filter((word) => word !== "");
  return `ExecStart=/usr/bin/python3 -P @ROOT@/conf/run.py -- ${words.map(systemdString).join(" ")}`;
}
