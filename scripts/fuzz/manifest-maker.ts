import fc from "fast-check";
import { iniText, manifestTree, validTree, value, yamlText } from "../../test/support/manifest-arbitrary.ts";

/** How many texts stand at the beginning; every input is one of them, cut up and put together anew. */
const SEEDS = 400;

/** Pieces with which readers have trouble. */
const PIECES = [
  ...Array.from("=:;#%\"'\\[]{}&*!|>?@`,-~. \t\n\r\v\f\0\x1b\x7f"),
  ...[
    "\r\n",
    "\n  ",
    "\n\n",
    " ;",
    " #",
    "%(x)s",
    "[production]\n",
    "[production",
    "[DEFAULT]\n",
    "---\n",
    "...\n",
    "<<: ",
    "&a ",
    "*a ",
    "!!js/function ",
    "? ",
    "- ",
  ],
  ...[
    "\u{feff}",
    "\u00a0",
    "\u0085",
    "\u2028",
    "\ud800",
    "𝒳",
    "é",
    "__proto__",
    "constructor: ",
    "toString = ",
    "1e999",
    "0x10",
    "1_000",
    "2026-11-21",
    "yes",
    "null",
    "{}",
    "[]",
  ],
];

/** Makes manifests from a seed and a number: the same of both give the same text. */
export class ManifestMaker {
  readonly #seed: number;
  readonly #ini: string[];
  readonly #yaml: string[];

  constructor(seed: number) {
    const sample = (texts: fc.Arbitrary<string>) => fc.sample(texts, { numRuns: SEEDS, seed });
    const broken = fc.array(value, { maxLength: 20 }).map((words) => words.join(""));
    this.#seed = seed;
    this.#ini = [...sample(iniText), ...sample(broken)];
    this.#yaml = [...sample(yamlText(manifestTree)), ...sample(yamlText(validTree)), ...sample(broken)];
  }

  make(index: number): { text: string; file: string } {
    const random = new Random(this.#seed * 0x1_0000_0000 + index);
    const isIni = random.below(2) === 0;
    // Now and then the text of one form is read as the other.
    const texts = random.below(50) === 0 ? [...this.#ini, ...this.#yaml] : isIni ? this.#ini : this.#yaml;
    let text = random.of(texts);
    for (let edits = random.below(8); edits > 0; edits -= 1) text = edit(text, texts, random);
    if (random.below(200) === 0) text = grow(text, random);
    return { text, file: isIni ? "apps/blog/app.ini" : "apps/blog/app.yaml" };
  }
}

/** One change at a random place. */
function edit(text: string, texts: string[], random: Random): string {
  const start = random.below(text.length + 1);
  const end = Math.min(text.length, start + random.below(20));
  switch (random.below(6)) {
    case 0:
      return text.slice(0, start) + text.slice(end);
    case 1:
      return text.slice(0, start) + text.slice(start, end).repeat(1 + random.below(5)) + text.slice(end);
    case 2:
      return text.slice(0, start) + random.of(texts).slice(random.below(50));
    case 3:
      return text.slice(0, start) + random.of(PIECES).repeat(1 + random.below(40)) + text.slice(start);
    case 4: {
      const lines = text.split("\n");
      const moved = lines.splice(random.below(lines.length), 1);
      lines.splice(random.below(lines.length + 1), 0, ...moved);
      return lines.join("\n");
    }
    default:
      return text.slice(0, start) + random.of(PIECES) + text.slice(end);
  }
}

/** Up to a megabyte of one piece, or of the text itself, somewhere in the text: around what is still read, or far beyond it. */
function grow(text: string, random: Random): string {
  const size = random.below(3) === 0 ? random.below(1024 * 1024) : random.below(16 * 1024);
  const piece = random.below(3) === 0 ? text : random.of(PIECES) + (random.below(2) === 0 ? random.of(PIECES) : "");
  const start = random.below(text.length + 1);
  return text.slice(0, start) + piece.repeat(Math.ceil(size / (piece.length + 1))) + text.slice(start);
}

/** A small generator of numbers (mulberry32): Math.random can't be told where to begin. */
class Random {
  #state: number;

  constructor(seed: number) {
    // Neighbouring seeds shall not give neighbouring numbers.
    this.#state = Math.imul(seed ^ Math.floor(seed / 0x1_0000_0000), 0x9e37_79b1) | 0;
  }

  /** A whole number from 0 to `limit`, without `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b_79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000) * limit);
  }

  of<T>(values: readonly T[]): T {
    const [first] = values;
    return values[this.below(values.length)] ?? (first as T);
  }
}
