/**
 * One line of strangers' text for a terminal or the log of a CI service, with the same number of columns. A control character, which
 * a terminal would obey, is shown as a picture of it; tabs stay. Of what begins a command to a CI service (`::` at the begin of a line,
 * `##[`, `##vso[`), one character is replaced by one that looks like it.
 */
export function printable(text: string): string {
  return text
    .replace(/(?!\t)[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) => {
      const code = character.charCodeAt(0);
      return code < 0x20 ? String.fromCharCode(0x2400 + code) : "\u{fffd}";
    })
    .replace(/^(\s*):(?=:)/u, "$1\u{2236}")
    .replace(/##(?=\w*\[)/g, "#\u{266f}");
}

/** The lines of strangers' text, each of them printable, without the colours that many programs write into their logs. */
export function printableLines(text: string): string[] {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  const plain = text.replace(/\u001b\[[\d;:]*m/g, "");
  return plain.split(/\r?\n/).map(printable);
}

/** A value as JSON for a terminal: the control characters that JSON leaves are escaped, too. */
export function printableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    /[\x7f-\x9f\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
