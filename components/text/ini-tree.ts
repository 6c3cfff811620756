import type { Code } from "./code.ts";
import type { IniEntry, IniLine } from "./ini-document.ts";
import type { Issue, Place } from "./issue.ts";
import { quoteName } from "./quote.ts";
import type { Path } from "./source.ts";

/** A position without its file, which is the same for all. */
export interface Spot {
  line: number;
  column: number;
}

/** Errors reported at most, and warnings likewise. */
export const mostIssues = 50;

/** The plain tree of an INI file, under construction, and the position of each of its parts. */
export class IniTree {
  readonly tree: Record<string, unknown> = {};
  readonly issues: Issue[] = [];
  /** Keys that unknown ones were most likely meant to be. */
  readonly meant = new Set<string>();
  readonly #file: string;
  readonly #keys = new Map<string, Spot>();
  readonly #values = new Map<string, Spot>();
  readonly #told = { error: 0, warning: 0 };

  constructor(file: string, root: Spot) {
    this.#file = file;
    this.mark([], root, root);
  }

  /** Remembers where something is, even when it adds nothing to the tree (a blank value). */
  mark(path: Path, key: Spot, value: Spot): void {
    this.#keys.set(keyOf(path), key);
    this.#values.set(keyOf(path), value);
  }

  /** Puts a value at an empty path; creates the maps on the way. */
  put(path: readonly [string, ...string[]], value: unknown, keySpot: Spot, valueSpot: Spot): void {
    const map = this.#mapAt(path.slice(0, -1), keySpot, valueSpot);
    const name = path.at(-1) ?? "";
    if (Object.hasOwn(map, name)) {
      this.error("duplicate-key", keySpot, `${quoteName(name)} is given twice here`, "delete one of the two");
      return;
    }
    setOwn(map, name, value);
    this.mark(path, keySpot, valueSpot);
  }

  /** Creates the map at a path if there is none. */
  open(path: readonly [string, ...string[]], keySpot: Spot, valueSpot: Spot): void {
    this.#mapAt(path, keySpot, valueSpot);
    this.mark(path, keySpot, valueSpot);
  }

  placeOf(path: Path, what: "key" | "value"): Place {
    const spots = what === "key" ? this.#keys : this.#values;
    for (let length = path.length; length > 0; length -= 1) {
      const spot = spots.get(keyOf(path.slice(0, length)));
      if (spot) return this.#place(spot);
    }
    return this.#place(spots.get(keyOf([])) ?? { line: 1, column: 1 });
  }

  error(code: Code, spot: Spot, message: string, fix?: string): void {
    this.#issue("error", code, spot, message, fix);
  }

  warning(code: Code, spot: Spot, message: string, fix?: string): void {
    this.#issue("warning", code, spot, message, fix);
  }

  /** Whether the limit of reported errors is reached. */
  get isFull(): boolean {
    return this.#told.error >= mostIssues;
  }

  #mapAt(path: readonly string[], keySpot: Spot, valueSpot: Spot): Record<string, unknown> {
    let map = this.tree;
    for (const [index, step] of path.entries()) {
      if (!Object.hasOwn(map, step)) {
        setOwn(map, step, {});
        this.mark(path.slice(0, index + 1), keySpot, valueSpot);
      }
      const next = map[step];
      if (typeof next !== "object" || next === null || Array.isArray(next)) {
        this.error(
          "duplicate-key",
          keySpot,
          `${quoteName(step)} is given twice here, once as an option`,
          "delete one of the two",
        );
        return {};
      }
      map = next as Record<string, unknown>;
    }
    return map;
  }

  #issue(severity: Issue["severity"], code: Code, spot: Spot, message: string, fix: string | undefined): void {
    this.#told[severity] += 1;
    if (this.#told[severity] > mostIssues) return;
    this.issues.push({ code, severity, place: this.#place(spot), message, ...(fix === undefined ? {} : { fix }) });
  }

  #place({ line, column }: Spot): Place {
    return { file: this.#file, line, column };
  }
}

/**
 * The meaningful lines of a value: in its lists, Silver Lining skipped blank lines and those that begin with `#`
 * (AppConfig._parse_lines); here this applies to every key, because the other keys had no use for such a line.
 */
export function contentLines(entry: IniEntry): IniLine[] {
  return entry.lines.filter((line) => line.text !== "" && !line.text.startsWith("#"));
}

export function keySpot(entry: IniEntry): Spot {
  return { line: entry.line, column: entry.column };
}

/** Where the value begins; the key's position when there is none. */
export function valueSpot(entry: IniEntry): Spot {
  return contentLines(entry)[0] ?? keySpot(entry);
}

const keyOf = (path: Path) => path.join("\0");

/** Sets a key, not by assignment, which would make `__proto__` the prototype instead of a key. */
function setOwn(map: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(map, key, { value, enumerable: true, configurable: true, writable: true });
}
