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
 * Writes to a stream, with `[secret]` in place of secret values: an app may have logged them.
 * @param secrets values; each line of one is hidden separately
 */
export function streamReporter(write: (text: string) => void, secrets: readonly string[]): Reporter {
  const hidden = secrets
    .flatMap((secret) => [secret, ...secret.split("\n")])
    .filter((secret) => secret.length >= shortestHidden)
    .toSorted((a, b) => b.length - a.length);
  const print = (line: string): void => {
    write(`${hidden.reduce((text, secret) => text.replaceAll(secret, "[secret]"), line)}\n`);
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
