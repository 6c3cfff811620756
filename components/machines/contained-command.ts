/**
 * The words that run a command as root of this computer's files, with mounts and processes of its own:
 * when it ends, or the process that started it dies, nothing stays mounted and nothing keeps running.
 */
export function containedCommand(words: readonly string[]): string[] {
  return [
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...words,
  ];
}
