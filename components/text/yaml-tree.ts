import { isAlias, isMap, isScalar, isSeq, type ParsedNode, type Scalar, type YAMLMap } from "yaml";
import { quote, quoteName } from "./quote.ts";
import type { Path } from "./source.ts";
import type { YamlFault } from "./yaml-document.ts";

/** Texts in YAML 1.2 that YAML 1.1 readers (most tools in use) read as something else. */
const YAML_1_1 = [
  { kind: "a switch", pattern: /^(?:yes|no|on|off)$/i, or: ", or write true or false where a switch is meant" },
  { kind: "a date", pattern: /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].*)?$/, or: "" },
  { kind: "a number", pattern: /^[0-9]+(?::[0-5]?[0-9])+$/, or: "" },
];

type Pair = YAMLMap.Parsed["items"][number];

/** The plain tree of a YAML document, what is not allowed in it, and the way back to the text. */
export class YamlTree {
  readonly tree: unknown;
  readonly faults: YamlFault[] = [];
  readonly #root: ParsedNode | null;
  /** Each map's pairs by key: a linear search for every position would be quadratic. */
  readonly #pairs = new Map<YAMLMap.Parsed, Map<string, Pair>>();

  constructor(root: ParsedNode | null) {
    this.#root = root;
    this.tree = this.#make(root);
  }

  /** Index of the value (or key) at a path, or of its nearest parent in the text. */
  offsetOf(path: Path, what: "key" | "value"): number {
    let node = this.#root;
    let offset = node?.range[0] ?? 0;
    for (const [index, step] of path.entries()) {
      const pair = isMap(node) ? this.#pairs.get(node)?.get(String(step)) : undefined;
      node = pair ? pair.value : isSeq(node) ? (node.items[Number(step)] ?? null) : null;
      if (!pair && !node) return offset;
      const isLast = index === path.length - 1;
      const hasText = node !== null && node.range[0] < node.range[1];
      offset = pair && !(isLast && what === "value" && hasText) ? pair.key.range[0] : (node?.range[0] ?? offset);
    }
    return offset;
  }

  /** The number at a path as written. */
  writtenOf(path: Path): string | undefined {
    let node = this.#root;
    for (const step of path) node = (isMap(node) ? this.#pairs.get(node)?.get(String(step))?.value : null) ?? null;
    return isScalar(node) && typeof node.value === "number" ? node.source : undefined;
  }

  #make(node: ParsedNode | null): unknown {
    if (node === null || isAlias(node)) {
      if (node !== null) this.#refuseAlias(node.range[0], `*${quoteName(node.source)} is an alias`);
      return null;
    }
    this.#refuseProperties(node);
    if (isMap(node)) return this.#makeMap(node);
    return isSeq(node) ? node.items.map((item) => this.#make(item)) : this.#makeScalar(node);
  }

  #makeMap(node: YAMLMap.Parsed): Record<string, unknown> {
    const map: Record<string, unknown> = {};
    const pairs = new Map<string, Pair>();
    this.#pairs.set(node, pairs);
    for (const pair of node.items) {
      const { key, value } = pair;
      const offset = key.range[0];
      const name = isScalar(key) ? String(key.value) : "";
      const first = pairs.get(name);
      this.#refuseProperties(key);
      if (isAlias(key) || name === "<<") {
        this.#refuseAlias(offset, isAlias(key) ? `*${quoteName(key.source)} is an alias` : "<< is a merge key");
      } else if (first) {
        this.#fault("duplicate-key", offset, `the key ${quote(name)} is given twice`, "delete one of the two");
      } else {
        pairs.set(name, pair);
        // Not by assignment, which would make `__proto__` the map's prototype instead of a key.
        Object.defineProperty(map, name, { value: this.#make(value), enumerable: true, configurable: true, writable: true });
      }
    }
    return map;
  }

  #makeScalar(node: Scalar.Parsed): unknown {
    const { value, source } = node;
    if (node.type !== "PLAIN") return value;
    const offset = node.range[0];
    const other = typeof value === "string" ? YAML_1_1.find(({ pattern }) => pattern.test(value)) : undefined;
    if (other) {
      this.#fault(
        "ambiguous-text",
        offset,
        `${quoteName(source)} without quotes is ${other.kind} to some YAML readers`,
        `put it in quotes: ${quote(source)}${other.or}`,
      );
    } else if (typeof value === "number" && String(value) !== source) {
      this.#fault(
        "ambiguous-text",
        offset,
        `${quoteName(source)} without quotes is read as the number ${value}`,
        `put it in quotes: ${quote(source)}${Number.isSafeInteger(value) ? `, or write ${value}` : ""}`,
      );
    }
    return value;
  }

  #refuseProperties(node: ParsedNode): void {
    if (isAlias(node)) return;
    if (node.anchor !== undefined) this.#refuseAlias(node.range[0], `&${quoteName(node.anchor)} is an anchor`);
    if (node.tag !== undefined)
      this.#fault(
        "yaml-tag",
        node.range[0],
        "there is a tag (!…) before this value, and tags are not used",
        "delete it; a text that begins with ! needs quotes",
      );
  }

  /** Reports only the first: there are usually many. */
  #refuseAlias(offset: number, what: string): void {
    if (this.faults.some(({ code }) => code === "alias")) return;
    this.#fault(
      "alias",
      offset,
      `${what}; anchors, aliases and merge keys are not used`,
      "write each value out; a text that begins with * or & needs quotes",
    );
  }

  #fault(code: YamlFault["code"], offset: number, message: string, fix: string): void {
    this.faults.push({ code, offset, message, fix });
  }
}
