import { Failure } from "./failure.ts";
import { run } from "./run.ts";

export interface UploadOptions {
  node: string;
  /** Absolute directory of the app here. */
  from: string;
  /** Paths of the bundle's files and links, relative to `from`. */
  paths: readonly string[];
  /** `[user@]host:directory/`, or a local directory. */
  target: string;
  /** rsync's arguments for the connection. */
  shell: readonly string[];
  /** Reports progress, at most every few seconds. */
  onProgress: (text: string) => void;
  /** Remote directories from which equal files are linked. */
  linkFrom: readonly string[];
  signal: AbortSignal;
}

/** Seconds between two reports of progress. */
const progressSeconds = 3;

/** What an upload did, as rsync counted it. */
export interface Uploaded {
  files: number;
  /** Bytes sent. */
  bytes: number;
}

/**
 * Arguments of the rsync that sends a bundle to a node. Bytes and modes only: no times, no owners.
 * `--checksum`, because size and time prove nothing when times are derived from content.
 */
export function rsyncCommand(options: UploadOptions): string[] {
  return [
    "rsync",
    "--links",
    "--perms",
    "--chmod=Du=rwx,Dgo=rx,Fu=rwX,Fgo=rX",
    "--checksum",
    "--from0",
    "--files-from=-",
    // Progress output also ends an rsync whose rollout was killed: writing to the closed pipe fails.
    "--info=progress2,stats2",
    "--outbuf=Line",
    "--no-human-readable",
    ...options.linkFrom.map((directory) => `--link-dest=${directory}`),
    ...options.shell,
    `${options.from}/`,
    options.target,
  ];
}

/**
 * Sends a bundle's files; safe to run again.
 * @throws Failure `upload` with rsync's last output, `stopped` after the signal
 */
export async function upload(options: UploadOptions): Promise<Uploaded> {
  let told = performance.now();
  const { code, stdout, stderr } = await run(rsyncCommand(options), {
    environment: { ...process.env, LC_ALL: "C" },
    signal: options.signal,
    input: options.paths.map((path) => `${path}\0`).join(""),
    onOutput: (text) => {
      if (performance.now() - told < progressSeconds * 1000) return;
      const percent = /(\d+)%[^%]*$/.exec(text.slice(-400))?.[1];
      if (percent === undefined) return;
      told = performance.now();
      options.onProgress(`${percent} %`);
    },
  });
  if (code === 0) {
    return { files: count(stdout, /regular files transferred: (\d+)/), bytes: count(stdout, /Total bytes sent: (\d+)/) };
  }
  if (options.signal.aborted)
    throw new Failure({ node: options.node, step: "upload", code: "stopped", message: "the upload was stopped" });
  const lines = stderr.trim().split("\n").slice(-20);
  if (/is your shell clean|protocol version mismatch/.test(stderr))
    throw new Failure({
      node: options.node,
      step: "upload",
      code: "upload",
      message: `the login shell on ${options.node} prints something by itself, which rsync takes for its other side`,
      fix: `begin ~/.bashrc there with: case $- in *i*) ;; *) return ;; esac`,
      log: lines,
    });
  throw new Failure({
    node: options.node,
    step: "upload",
    code: "upload",
    message: `rsync to ${options.node} ended with ${code ?? "no exit code"}: ${lines.find((line) => line !== "") ?? "without a reason"}`,
    fix: "check that rsync is installed here and there, and that the node has space",
    log: lines,
  });
}

const count = (text: string, pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
