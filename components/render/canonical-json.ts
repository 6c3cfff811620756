/**
 * The one JSON text of a value: keys sorted by their UTF-16 code units, no spaces, `undefined` members left out.
 * Equal data gives equal bytes, so that hashes and diffs see only content. Throws on what JSON can't represent.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item)).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const map = value as Record<string, unknown>;
    const keys = Object.keys(map).filter((key) => map[key] !== undefined);
    return `{${keys
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(map[key])}`)
      .join(",")}}`;
  }
  if (typeof value === "string" || typeof value === "boolean" || value === null || Number.isFinite(value)) {
    return JSON.stringify(value);
  }
  throw new TypeError(`${typeof value} has no place in JSON`);
}
