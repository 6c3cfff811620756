/**
 * What is not built yet → what to do instead. A key listed here (by its path) is left out of the schema, and so of the JSON
 * Schema and the reference, and is refused by name; `key=value` does the same for one value of a closed list. Deleting a line
 * enables what the schema already has for it.
 */
export type Later = Readonly<Record<string, string>>;

/** What to do instead of a key (by its path) or `key=value` that is not built yet; undefined for any other. */
export function insteadOf(later: Later, what: string): string | undefined {
  return Object.hasOwn(later, what) ? later[what] : undefined;
}
