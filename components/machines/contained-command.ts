/**
 * The arguments that run a command as root on this computer's files, in its own mount and process namespaces:
 * when it ends, or the process that started it dies, nothing stays mounted and nothing keeps running.
 */
export function containedCommand(words: readonly string[]): string[] {
  return [
    ...["setpriv", "--pdeathsig", "KILL"],
    ...["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...words,
  ];
}
