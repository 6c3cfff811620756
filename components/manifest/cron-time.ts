import { z } from "zod";
import { field } from "../text/schema/fields.ts";
import { quote } from "../text/quote.ts";

/** The five fields of a time: name, smallest and largest value, and the names that stand for values (case does not count). */
export const cronFields = [
  { what: "minute", min: 0, max: 59, names: [] },
  { what: "hour", min: 0, max: 23, names: [] },
  { what: "day of the month", min: 1, max: 31, names: [] },
  { what: "month", min: 1, max: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  // 0 and 7 are both Sunday.
  { what: "day of the week", min: 0, max: 7, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
] as const;

export type CronField = (typeof cronFields)[number];

/** Words that stand for five fields. */
export const namedTimes: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
  "@yearly": "0 0 1 1 *",
};

/** What is wrong with a crontab(5) time, completing "it must be …"; undefined when it is valid. */
export function cronProblem(text: string): string | undefined {
  if (text.startsWith("@"))
    return Object.hasOwn(namedTimes, text) ? undefined : `five fields, or one of ${Object.keys(namedTimes).join(", ")}`;
  const words = text.split(" ").filter((word) => word !== "");
  if (words.length !== cronFields.length)
    return `five fields (minute, hour, day of the month, month, day of the week), but it has ${words.length}`;
  for (const [index, field] of cronFields.entries()) {
    const word = words[index] ?? "";
    if (!word.split(",").every((part) => fits(part, field))) {
      return `a time, but ${quote(word)} is not a valid ${field.what} (${field.min} to ${field.max}, with * , - and /)`;
    }
  }
  return undefined;
}

/** One part of a field: `*`, a value or a range, each with a step if need be. */
function fits(part: string, field: CronField): boolean {
  const [, range = "", step] = /^([^/]+)(?:\/([0-9]{1,2}))?$/.exec(part) ?? [];
  if (step !== undefined && (Number(step) < 1 || Number(step) > field.max)) return false;
  if (range === "*") return true;
  const [from, to, ...more] = range.split("-").map((word) => valueOf(word, field));
  if (from === undefined || more.length > 0) return false;
  // A step needs something to step through.
  return range.includes("-") ? to !== undefined && from <= to : step === undefined;
}

/** A value by its number or its name; undefined where the field has no such value. */
export function valueOf(word: string, { min, max, names }: CronField): number | undefined {
  const named = (names as readonly string[]).indexOf(word.toLowerCase());
  if (named >= 0) return named + min;
  return /^[0-9]{1,2}$/.test(word) && Number(word) >= min && Number(word) <= max ? Number(word) : undefined;
}

/** A time of crontab(5): five fields, or @daily and the like. */
export function cronTime() {
  // The pattern is for editors: it checks characters, not values.
  const schema = z
    .string()
    .regex(/^(?:@(?:hourly|daily|weekly|monthly|yearly)|[0-9*][0-9,*/-]*(?: +[0-9A-Za-z,*/-]+){4})$/)
    .refine((text) => cronProblem(text) === undefined);
  return field(schema, {
    code: "bad-time",
    must: "a time: five fields, or @daily and so on",
    example: '"15 3 * * *"',
    explain: (value) => {
      const problem = typeof value === "string" ? cronProblem(value) : undefined;
      return problem === undefined ? undefined : { must: problem };
    },
  });
}
