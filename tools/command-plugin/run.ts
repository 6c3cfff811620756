/** What running a command on this machine and on another have in common: the output, and the words of a failure. */
import type { CommandInputs } from "./inputs.ts";
import type { ResourceLog } from "./log.ts";

/** What a run printed, each less one newline at its end. */
export interface Output {
  stdout: string;
  stderr: string;
}

export interface RunContext {
  log: ResourceLog;
  /** Aborted when the engine cancels: what runs is killed. */
  signal: AbortSignal;
}

type Stream = keyof Output;

/** Collects what a command prints and passes its lines on to the log, as the input `logging` says. */
export class Capture {
  readonly #chunks: Record<Stream, Buffer[]> = { stdout: [], stderr: [] };
  readonly #both: Buffer[] = [];
  readonly #log: ResourceLog;
  readonly #logged: Stream[];
  #line = Buffer.alloc(0);

  constructor(logging: string | undefined, log: ResourceLog) {
    this.#log = log;
    this.#logged = (["stdout", "stderr"] as const).filter((stream) => [undefined, "stdoutAndStderr", stream].includes(logging));
  }

  add(stream: Stream, chunk: Buffer): void {
    this.#chunks[stream].push(chunk);
    this.#both.push(chunk);
    if (!this.#logged.includes(stream)) return;
    this.#line = Buffer.concat([this.#line, chunk]);
    for (let end = this.#line.indexOf("\n"); end >= 0; end = this.#line.indexOf("\n")) {
      this.#log.progress(this.#line.toString("utf8", 0, end));
      this.#line = this.#line.subarray(end + 1);
    }
  }

  /** Everything printed, in the order it came. */
  get both(): string {
    return Buffer.concat(this.#both).toString();
  }

  /** Call it when the command has ended. */
  async output(): Promise<Output> {
    if (this.#line.length > 0) this.#log.progress(this.#line.toString());
    await this.#log.sent();
    const text = (stream: Stream) => Buffer.concat(this.#chunks[stream]).toString().replace(/\n$/, "");
    return { stdout: text("stdout"), stderr: text("stderr") };
  }
}

/** A command that ran and failed, in the real plugin's words: cause, the command, all it printed. */
export const runFailure = (cause: string, script: string, capture: Capture): Error =>
  new Error(`${cause}: running ${quoteText(script)}:\n${capture.both}`);

/** A string between double quotes, as Go's %q writes it. */
export const quoteText = (text: string): string =>
  JSON.stringify(text)
    .replaceAll("\\u0007", "\\a")
    .replaceAll("\\u000b", "\\v")
    .replaceAll("\u007f", "\\x7f")
    .replace(/\\u00([01][0-9a-f])/g, "\\x$1");

/** What the last run printed, for the next one's environment; empty output is left out. */
export function previousOutput(inputs: CommandInputs): Record<string, string> {
  const variables: Record<string, string> = {};
  if (inputs.addPreviousOutputInEnv === false) return variables;
  if (inputs.stdout) variables.PULUMI_COMMAND_STDOUT = inputs.stdout;
  if (inputs.stderr) variables.PULUMI_COMMAND_STDERR = inputs.stderr;
  return variables;
}
