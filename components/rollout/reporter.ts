import { printableLines } from "../text/printable.ts";

/** Reports progress, one short line each. */
export interface Reporter {
  /** `web1  prepare  started on 127.64.0.3:20003`; `seconds` is shown where given. */
  step(node: string, step: string, text: string, seconds?: number): void;
  /** Lines as they are, for the summary at the end. */
  lines(lines: readonly string[]): void;
}

/** Secrets shorter than this are not hidden in the output: they would match everywhere. */
const shortestHidden = 4;

/**
 * Writes to a stream, with `[secret]` in place of secret values, which an app may have logged, and without control characters: what an
 * app answers or logs must not command the terminal or the CI service that shows it.
 * @param secrets values; each line of one is hidden separately
 */
export function streamReporter(write: (text: string) => void, secrets: readonly string[]): Reporter {
  const hide = hiding(secrets);
  const print = (line: string): void => {
    write(`${printableLines(hide(line)).join("\n")}\n`);
  };
  return {
    step: (node, step, text, seconds) => {
      print(`${node.padEnd(8)} ${step.padEnd(8)} ${text}${seconds === undefined ? "" : ` · ${seconds.toFixed(1)} s`}`);
    },
    lines: (lines) => {
      lines.forEach(print);
    },
  };
}

/**
 * Puts `[secret]` in place of secret values in a text.
 * @param secrets values; each line of one is hidden separately
 */
export function hiding(secrets: readonly string[]): (text: string) => string {
  const hidden = secrets
    .flatMap((secret) => [secret, ...secret.split("\n")])
    .filter((secret) => secret.length >= shortestHidden)
    .toSorted((a, b) => b.length - a.length);
  return (text) => hidden.reduce((told, secret) => told.replaceAll(secret, "[secret]"), text);
}
