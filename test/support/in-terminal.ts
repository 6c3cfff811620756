import { spawnSync } from "node:child_process";
import type { Project } from "./project.ts";

const terminal = ["script", "--quiet", "--flush", "--return", "--command"];

/** What `silver` of a project, which has the folder cli, says in a terminal where a person types these lines. */
export function inTerminal({ root, engine }: Project, words: readonly string[], lines: string): string {
  const [program = "", ...first] = terminal;
  const command = [process.execPath, "cli/main.ts", "-e", "test", ...words].join(" ");
  return spawnSync(program, [...first, command, "/dev/null"], {
    cwd: root,
    env: engine.environment,
    input: lines,
    encoding: "utf8",
    timeout: 60_000,
  }).stdout;
}
