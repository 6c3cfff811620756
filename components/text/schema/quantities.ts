import { z } from "zod";
import { field } from "./fields.ts";

/** A whole number, or a text of digits, because the INI form has only texts. */
export function count(min: number, max: number, example = min) {
  const number = z.int().min(min).max(max);
  const digits = z
    .string()
    .regex(/^[0-9]{1,9}$/)
    .transform(Number)
    .pipe(number);
  return field(z.union([number, digits]), {
    code: "bad-count",
    must: `a whole number from ${min} to ${max}`,
    example: String(example),
    explain: (value) => {
      if (!/^-?[0-9]+$/.test(String(value))) return undefined;
      return { fix: Number(value) < min ? `write ${min} or more` : `write ${max} or less` };
    },
  });
}

const SECONDS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };
const BYTES: Record<string, number> = { K: 1024, M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

/** `30s`, `10m`, `2h`, `3d` → seconds. Only for texts that passed the schema. */
export function parseSeconds(text: string): number {
  return Number(text.slice(0, -1)) * (SECONDS[text.slice(-1)] ?? Number.NaN);
}

/** `400M`, `2G` → bytes, in units of 1024. Only for texts that passed the schema. */
export function parseBytes(text: string): number {
  return Number(text.slice(0, -1)) * (BYTES[text.slice(-1)] ?? Number.NaN);
}

/** A duration → seconds. `min` and `max` are durations, too. */
export function duration(min: string, max: string) {
  const schema = z
    .string()
    .regex(/^[0-9]{1,6}[smhd]$/)
    .transform(parseSeconds)
    .pipe(z.number().min(parseSeconds(min)).max(parseSeconds(max)));
  return field(schema, {
    code: "bad-duration",
    must: `a duration from ${min} to ${max}: a whole number and a unit (s, m, h or d)`,
    example: max,
    explain: (value) => {
      const text = String(value);
      const [, digits, unit = "s"] = /^([0-9]{1,6})(?: *(s|m|h|d)[a-z]*)?$/i.exec(text.replace(/ms$/, "")) ?? [];
      const [, minutes, seconds] = /^([0-9]{1,3})m([0-9]{1,2})s$/.exec(text) ?? [];
      if (minutes !== undefined) return { fix: `write it in one unit: ${Number(minutes) * 60 + Number(seconds)}s` };
      const near = digits === undefined ? undefined : `${digits}${unit.toLowerCase()}`;
      if (near === undefined || near === text || text.endsWith("ms")) return { fix: `write ${min} to ${max}` };
      return { fix: /^[0-9]+$/.test(text) ? `add the unit: ${near}` : `write ${near}` };
    },
  });
}

const SIZE = /^[0-9]{1,7}[KMGT]$/;

/** A size → bytes. `min` and `max` are sizes, too. */
export function size(min: string, max: string, example = max) {
  const bytes = z.number().min(parseBytes(min)).max(parseBytes(max));
  return field(z.string().regex(SIZE).transform(parseBytes).pipe(bytes), { ...sizeRule(min, max), example });
}

/** A size kept as text, for its reader to parse. `min` and `max` are sizes, too. */
export function unparsedSize(min: string, max: string) {
  const inRange = (text: string) => parseBytes(text) >= parseBytes(min) && parseBytes(text) <= parseBytes(max);
  return field(z.string().regex(SIZE).refine(inRange), sizeRule(min, max));
}

function sizeRule(min: string, max: string) {
  return {
    code: "bad-size" as const,
    must: `a size from ${min} to ${max}: a whole number and a unit (K, M, G or T)`,
    example: max,
    explain: (value: unknown) => {
      if (SIZE.test(String(value))) return { fix: `write ${min} to ${max}` };
      const [, digits, unit] = /^([0-9]{1,7}) *([kmgt])(?:i?b)?$/i.exec(String(value)) ?? [];
      if (digits !== undefined && unit !== undefined) return { fix: `write ${digits}${unit.toUpperCase()}` };
      return /^[0-9]{1,7}$/.test(String(value)) ? { fix: `add the unit: ${String(value)}M` } : undefined;
    },
  };
}
