/** Words before a program's own that give it a network of its own, with a loopback that nothing else listens on. */
export function inOwnNetwork(words: readonly string[]): [string, ...string[]] {
  const asRoot = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  return ["unshare", "--net", ...asRoot, "sh", "-c", 'ip link set lo up && exec "$@"', "sh", ...words];
}
