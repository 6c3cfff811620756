import { spawn } from "node:child_process";
import type { Project } from "./project.ts";

const terminal = ["script", "--quiet", "--flush", "--return", "--command"];

/**
 * What `silver` of a project, which has the folder cli, says in a terminal where a person types these lines.
 * @param prompt what the person waits for: some programs drop what was typed before
 */
export function inTerminal({ root, engine }: Project, words: readonly string[], lines: string, prompt: RegExp): Promise<string> {
  const [program = "", ...first] = terminal;
  const command = [process.execPath, "cli/main.ts", "-e", "test", ...words].join(" ");
  const child = spawn(program, [...first, command, "/dev/null"], { cwd: root, env: engine.environment, timeout: 60_000 });
  let [out, typed] = ["", false];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    if (typed || !prompt.test(out)) return;
    typed = true;
    child.stdin.write(lines);
  });
  child.stdin.on("error", () => undefined);
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", () => {
      done(out);
    });
  });
}
