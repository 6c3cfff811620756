/** Characters that look like a blank, or like nothing, and are not one to any reader of YAML or INI. */
const LOOKALIKE = /[\u00A0\u1680\u2000-\u200D\u202F\u205F\u2060\u3000\uFEFF]/;

/** What to do about the first character of a text that only looks like a blank; undefined when there is none. */
export function blankFix(text: string): string | undefined {
  const found = LOOKALIKE.exec(text)?.[0];
  return found === undefined ? undefined : `replace the ${nameOf(found)} with a space, or delete it`;
}

/** A character that looks like a blank, where a YAML reader wants one. */
export interface MisreadBlank {
  /** Index of the character. */
  offset: number;
  message: string;
  fix: string;
}

/** The first such character that stands where a line is indented, or after a sign, in the line of an offset or the one before it. */
export function misreadBlank(text: string, offset: number): MisreadBlank | undefined {
  const start = text.lastIndexOf("\n", text.lastIndexOf("\n", offset - 1) - 1) + 1;
  const end = text.indexOf("\n", offset);
  const lines = text.slice(start, end < 0 ? text.length : end);
  const before = new RegExp(`(?:^[ \\t]*|[:,[{-])(?=${LOOKALIKE.source})`, "m").exec(lines);
  if (before === null) return undefined;
  const at = before.index + before[0].length;
  const message = `there is a ${nameOf(lines.charAt(at))} here, which looks like a space but is not one`;
  return { offset: start + at, message, fix: "replace it with a space" };
}

function nameOf(character: string): string {
  const code = character.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0");
  if (character === "\u00A0") return `no-break space (U+${code})`;
  return `${/[\u200B-\u200D\u2060\uFEFF]/.test(character) ? "invisible character" : "space of another width"} (U+${code})`;
}
