import { spawn } from "node:child_process";
import { stripVTControlCharacters } from "node:util";
import type { Project } from "./project.ts";

const terminal = ["script", "--quiet", "--flush", "--return", "--command"];

/**
 * What `silver` of a project, which has the folder cli, says in a terminal where a person types these lines, one at each prompt: some
 * programs drop what was typed before. The last one is to end it.
 * @param prompt what the person waits for, at the end of what was said
 */
export function inTerminal(
  { root, engine }: Project,
  words: readonly string[],
  lines: readonly string[],
  prompt: RegExp,
): Promise<string> {
  const [program = "", ...first] = terminal;
  const command = [process.execPath, "cli/main.ts", "-e", "test", ...words].join(" ");
  const child = spawn(program, [...first, command, "/dev/null"], { cwd: root, env: engine.environment, timeout: 60_000 });
  const open = [...lines];
  // What was said since the last line was typed. A prompt is drawn again with each key; the next one comes after an end of line.
  let [out, latest] = ["", "\n"];
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString();
    latest += chunk.toString();
    const shown = stripVTControlCharacters(latest).replaceAll("\r", "");
    if (!shown.includes("\n") || !prompt.test(shown)) return;
    const line = open.shift();
    if (line === undefined) return;
    latest = "";
    child.stdin.write(`${line}\r`);
  });
  child.stdin.on("error", () => undefined);
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      if (code === 0) done(out);
      else fail(new Error(`it ended with ${String(code)}, and ${String(open.length)} lines were not typed:\n${out}`));
    });
  });
}
