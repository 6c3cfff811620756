/**
 * One function for each language that values are written into. Control characters, and what else ends a line somewhere (U+2028),
 * are refused, not escaped: no name, host or path that reaches rendering has one, and versions of these languages differ about them.
 */
function checked(text: string): string {
  if (/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text)) throw new Error(`a control character in ${JSON.stringify(text)}`);
  return text;
}

/** An argument of an Apache directive. Inside double quotes a backslash escapes a quote and itself; `${` would begin a variable. */
export function apacheString(text: string): string {
  if (checked(text).includes("${")) throw new Error(`Apache would look for a variable in ${JSON.stringify(text)}`);
  return `"${text.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** A literal text within a regular expression (PCRE), as Apache and VCL use them. */
export function regexLiteral(text: string): string {
  return checked(text).replace(/[^A-Za-z0-9_/-]/g, (character) =>
    /[\w\s]|[^ -~]/.test(character) ? character : `\\${character}`,
  );
}

/** A VCL string. The short form has no escapes, so a text with a quote takes the long form, which ends at `"}`. */
export function vclString(text: string): string {
  if (!checked(text).includes('"')) return `"${text}"`;
  if (text.includes('"}') || text.endsWith('"')) throw new Error(`VCL can't write ${JSON.stringify(text)} as one string`);
  return `{"${text}"}`;
}

/**
 * One word of a unit file. `%` begins a specifier, and the agent puts what only the node knows for a name between two `@`: neither
 * may begin in a value.
 */
export function systemdString(text: string): string {
  const escaped = checked(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("@", "\\x40");
  return `"${escaped}"`;
}
