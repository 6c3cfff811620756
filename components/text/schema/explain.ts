import type { z } from "zod";
import { fieldRules, type Explanation, type FieldRule } from "./fields.ts";
import { blankFix } from "../blanks.ts";
import { error, type Issue } from "../issue.ts";
import { insteadOf, type Later } from "./later.ts";
import { fieldAt, keyPatternOf, keyRuleAt, keysAt } from "./walk.ts";
import type { Path, Source } from "../source.ts";
import { suggest } from "../suggest.ts";
import { isMap, show } from "../value.ts";

/** One of our issues, and how it relates to others. */
export interface Finding {
  issue: Issue;
  /** The missing key: its path, and its name in the text. */
  missing?: { id: string; name: string };
  /** Path of the key that was most likely meant. */
  meant?: string;
  /** It says more than the reader does at the same place. */
  isCloser?: boolean;
}

/** What the owner of a schema knows about keys outside it. */
export interface Hints {
  later?: Later;
  /** Other names of keys → the name in the schema. */
  otherNames?: ReadonlyMap<string, string>;
}

/** Turns zod's findings into our issues, with positions. */
export class Explainer {
  readonly #schema: z.ZodType;
  readonly #source: Source;
  readonly #hints: Hints;

  constructor(schema: z.ZodType, source: Source, hints: Hints) {
    this.#schema = schema;
    this.#source = source;
    this.#hints = hints;
  }

  /** Our findings for one of zod's issues; `above` is the path of the value that zod checked. */
  explain(issue: z.core.$ZodIssue, above: Path = []): Finding[] {
    const path = [...above, ...issue.path.map((step) => (typeof step === "symbol" ? String(step) : step))];
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => this.#unknownKey([...path, key]));
    if (issue.code === "invalid_key") return [{ issue: this.refuseName(path) }];
    const value = valueAt(this.#source.tree, path);
    const branch = issue.code === "invalid_union" && isMap(value) ? issue.errors.find(looksInside) : undefined;
    if (branch) return branch.flatMap((inner) => this.explain(inner, path));
    if (value === undefined) return [this.#missingKey(path)];
    const own = issue.code === "custom" ? (issue.params as { rule?: FieldRule } | undefined)?.rule : undefined;
    const target = fieldAt(this.#schema, path);
    const rule = own ?? (target && fieldRules.get(target));
    return [this.#refuseNumber(path, rule) ?? { issue: this.#refuseValue(path, value, rule) }];
  }

  /** What the rule says of a number as it is written. */
  #refuseNumber(path: Path, rule: FieldRule | undefined): Finding | undefined {
    const written = this.#source.writtenOf?.(path);
    const special = written === undefined ? undefined : rule?.explainNumber?.(written);
    if (rule === undefined || written === undefined || special === undefined) return undefined;
    const message = `${this.#label(path)} is ${written}: it must be ${special.must ?? rule.must}`;
    const place = this.#source.placeOf(path, "value");
    return { issue: error(special.code ?? rule.code, place, message, special.fix), isCloser: true };
  }

  #refuseValue(path: Path, value: unknown, rule: FieldRule = this.#mapRule(path)): Issue {
    const place = this.#source.placeOf(path, "value");
    const label = this.#label(path);
    const later = this.#insteadOf(`${keyPatternOf(this.#schema, path)}=${String(value)}`);
    if (later !== undefined) return error("not-yet", place, `${label} ${String(value)} is not built yet`, later);
    if (value === null) return error("missing-key", place, `${label} has no value`, "give it one, or delete it");
    const special = closerLook(rule, value);
    const found = rule.isHidden === true && typeof value === "string" ? "a text that is not shown" : show(value);
    const message = `${label} is ${found}: it must be ${special?.must ?? rule.must}`;
    return error(special?.code ?? rule.code, place, message, special?.fix ?? defaultFix(value, rule));
  }

  /** The last step of the path is a name that the user chose, in a wrong form. */
  refuseName(path: Path): Issue {
    const name = path.at(-1);
    const parent = path.slice(0, -1);
    const rule = keyRuleAt(this.#schema, parent) ?? this.#mapRule(parent);
    const special = closerLook(rule, name);
    const message = `${this.#label(path)}: ${show(name)} must be ${special?.must ?? rule.must}`;
    const fix = special?.fix ?? defaultFix(name, rule);
    return error(special?.code ?? rule.code, this.#source.placeOf(path, "key"), message, fix);
  }

  /** Of a schema without a rule of its own: only maps with fixed keys have none. */
  #mapRule(path: Path): FieldRule {
    const keys = keysAt(this.#schema, path).join(", ");
    return {
      code: "wrong-type",
      must: "a map of keys and values",
      example: "",
      explain: (value) => ({ fix: /^\S+:\S/.test(String(value)) ? "put a blank after each colon" : `its keys are ${keys}` }),
    };
  }

  #unknownKey(path: Path): Finding {
    const place = this.#source.placeOf(path, "key");
    const parent = path.slice(0, -1);
    const later = this.#insteadOf(keyPatternOf(this.#schema, path));
    if (later !== undefined) return { issue: error("not-yet", place, `${this.#label(path)} is not built yet`, later) };
    const known = keysAt(this.#schema, parent);
    const name = String(path.at(-1));
    const meant = this.#hints.otherNames?.get(name) ?? suggest(name, known);
    const message = `${show(path.at(-1))} is not a key${parent.length > 0 ? ` of ${this.#label(parent)}` : ""}`;
    if (meant === undefined)
      return { issue: error("unknown-key", place, message, blankFix(name) ?? `its keys are ${known.join(", ")}`) };
    const fix = blankFix(name) ?? `did you mean ${meant}?`;
    return { issue: error("unknown-key", place, message, fix), meant: idOf([...parent, meant]) };
  }

  #missingKey(path: Path): Finding {
    const parent = path.slice(0, -1);
    const name = String(path.at(-1));
    const message = parent.length > 0 ? `${this.#label(parent)} has no ${name}` : `there is no ${this.#label(path)}`;
    const issue = error("missing-key", this.#source.placeOf(parent, "key"), message, `add ${this.#label(path)}`);
    return { issue, missing: { id: idOf(path), name: this.#label(path) } };
  }

  #insteadOf(what: string): string | undefined {
    return insteadOf(this.#hints.later ?? {}, what);
  }

  /** The key at a path, as written; the whole text has no path. */
  #label(path: Path): string {
    return path.length > 0 ? this.#source.nameOf(path) : "the text";
  }
}

/** The value at a path, as it was read: zod gives the value after its transforms. */
function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce<unknown>((value, step) => {
    if (Array.isArray(value)) return value[Number(step)] as unknown;
    return isMap(value) && Object.hasOwn(value, step) ? value[step] : undefined;
  }, tree ?? {});
}

/** Whether a branch of a union matched the value itself, but not its content. */
function looksInside(errors: z.core.$ZodIssue[]): boolean {
  return errors.some(({ path, code }) => path.length > 0 || code === "unrecognized_keys");
}

/** What the rule says about this value; for one longer than any valid one, the general text is enough. */
function closerLook(rule: FieldRule, value: unknown): Partial<Explanation> | undefined {
  if (typeof value === "string" && value.length > 300) return undefined;
  const fix = typeof value === "string" ? blankFix(value) : undefined;
  return fix === undefined ? rule.explain?.(value) : { ...rule.explain?.(value), fix };
}

/** "Did you mean …" for a word of a closed list, else an example. */
function defaultFix(value: unknown, { code, must, example }: FieldRule): string {
  const words = code === "bad-choice" && typeof value === "string" ? must.replace("one of ", "").split(", ") : [];
  const meant = suggest(String(value), words);
  return meant === undefined ? `write for example ${example}` : `did you mean ${meant}?`;
}

const idOf = (path: Path) => JSON.stringify(path);
