import { cronFields, namedTimes, valueOf, type CronField } from "../manifest/cron-time.ts";

const days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/**
 * A valid time of crontab(5) as systemd's calendar events, of which any fires: one, or two where a day of the month and one of the week
 * are given, since for cron either is enough, and for systemd both must be.
 * @param zone name of a time zone: `UTC`, `Europe/Berlin`
 */
export function calendarEvents(at: string, zone: string): string[] {
  const words = (namedTimes[at] ?? at).split(" ").filter((word) => word !== "");
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = words.map((word, index) => {
    const field = cronFields[index];
    return field === undefined ? "" : index === 4 ? weekdays(word, field) : values(word, field);
  });
  const event = (onWeekday: string, onDay: string) =>
    `${onWeekday === "*" ? "" : `${onWeekday} `}*-${month}-${onDay} ${hour}:${minute}:00 ${zone}`;
  // As cron has it: one that begins with a star does not count as given.
  const isEither = words[2]?.startsWith("*") === false && words[4]?.startsWith("*") === false;
  return isEither ? [...new Set([event("*", day), event(weekday, "*")])] : [event(weekday, day)];
}

/** Every value that a field names, in order; `*` when all are. */
function values(word: string, field: CronField): string {
  const found = [...new Set(word.split(",").flatMap((part) => numbers(part, field)))].sort((one, other) => one - other);
  return found.length === field.max - field.min + 1 ? "*" : found.map((value) => String(value).padStart(2, "0")).join(",");
}

/** The same for days of the week, where 7 is Sunday, too. */
function weekdays(word: string, field: CronField): string {
  const found = new Set(word.split(",").flatMap((part) => numbers(part, field).map((value) => value % 7)));
  return found.size === 7 ? "*" : days.filter((_, index) => found.has(index)).join(",");
}

function numbers(part: string, field: CronField): number[] {
  const [range = "", step = "1"] = part.split("/");
  const [from = 0, to = from] =
    range === "*" ? [field.min, field.max] : range.split("-").map((word) => valueOf(word, field) ?? field.min);
  return Array.from({ length: to - from + 1 }, (_, index) => from + index).filter((value) => (value - from) % Number(step) === 0);
}
