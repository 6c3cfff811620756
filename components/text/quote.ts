/** As many characters of a text as a message shows. */
const MOST = 60;

/** A text of a writer as it stands in a message: in quotes, on one line, without characters that a terminal would obey, and short. */
export function quote(text: string): string {
  let shown = "";
  for (const character of text) {
    const next = escapeCharacter(character);
    if (shown.length + next.length > MOST) return `"${shown}…"`;
    shown += next;
  }
  return `"${shown}"`;
}

/** A name as it stands in a message: as it is when it is a plain word, else as `quote` has it. */
export function quoteName(name: string): string {
  return /^[\w.@:+-]{1,60}$/.test(name) ? name : quote(name);
}

/** The way to a value as it stands in a message: `sites.blog.nodes[0]`. */
export function quotePath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${quoteName(step)}`))
    .join("");
}

/** As JSON has it, which leaves DEL, the second block of control characters and two line breaks as they are. */
function escapeCharacter(character: string): string {
  if (/[\x7f-\x9f\u2028\u2029]/.test(character)) return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(character).slice(1, -1);
}
