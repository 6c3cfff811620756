/**
 * The exchange over one ssh session. The script itself travels by stdin, ahead of the command's own stdin: in ssh's
 * arguments it would stand in the process list, and be cut off at 128 KiB together with the rest.
 */

/** Start of the line by which a session reports that the script now runs. */
const opening = "silver-command-plugin started";

/**
 * The command that ssh runs: reads a count and that many lines, by the shell's own `read`, which takes no byte beyond
 * the line, and runs them. The rest of stdin is left to the command.
 */
export const renderBootstrap = (): string =>
  `exec sh -c 'read n; s=; while [ "$n" -gt 0 ]; do IFS= read -r l; s="$s$l\n"; n=$((n-1)); done; eval "$s"'`;

/**
 * The stdin of the bootstrap: says which variables did not arrive, and runs the script in the user's login shell,
 * as sshd does with a command. Without one of those `demanded` the script does not run.
 */
export function renderScript(script: string, variables: Record<string, string>, demanded: string[]): string {
  const lines = [
    "refused= stop=",
    ...Object.entries(variables).map(([name, value]) => {
      const consequence = `{ refused="$refused ${name}"${demanded.includes(name) ? "; stop=1" : ""}; }`;
      return /^[A-Za-z_]\w*$/.test(name) ? `[ "\${${name}-}" = ${quote(value)} ] || ${consequence}` : consequence;
    }),
    `echo "${opening}$refused"`,
    'if [ -n "$stop" ]; then exit 1; fi',
    `"\${SHELL:-/bin/sh}" -c ${quote(script)}`,
    "",
  ].join("\n");
  return `${lines.split("\n").length}\n${lines}\n`;
}

/** The refused variables, once the opening line is there, and all output but that line: login shells may print before it. */
export function openingLine(output: Buffer): { refused: string[]; rest: Buffer } | undefined {
  const start = output.indexOf(opening);
  const end = start < 0 ? -1 : output.indexOf("\n", start);
  if (end < 0) return undefined;
  const refused = output
    .toString("utf8", start + opening.length, end)
    .split(" ")
    .filter((name) => name !== "");
  return { refused, rest: Buffer.concat([output.subarray(0, start), output.subarray(end + 1)]) };
}

/** Quotes a word for sh. */
const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
