/** Characters of a text that a message shows at most. */
const MOST = 60;

/** A user's text for a message: in quotes, on one line, without control characters, and short. */
export function quote(text: string): string {
  let shown = "";
  for (const character of text) {
    const next = escapeCharacter(character);
    if (shown.length + next.length > MOST) return `"${shown}…"`;
    shown += next;
  }
  return `"${shown}"`;
}

/** A name for a message: unchanged if it is a plain word, else quoted by `quote`. */
export function quoteName(name: string): string {
  return /^[\w.@:+-]{1,60}$/.test(name) ? name : quote(name);
}

/** The path of a value for a message: `sites.blog.nodes[0]`. */
export function quotePath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : `${index > 0 ? "." : ""}${quoteName(step)}`))
    .join("");
}

/** Escapes like JSON, and also what JSON leaves: DEL, the second block of control characters, and what nobody can see. */
function escapeCharacter(character: string): string {
  if (/[\x7f-\xa0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]/.test(character))
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(character).slice(1, -1);
}
