// Times of crontab(5) as systemd understands them.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cronProblem } from "../../components/manifest/cron-time.ts";
import { calendarEvents } from "../../components/render/calendar.ts";

test.each([
  ["15 3 * * *", ["*-*-* 03:15:00 UTC"]],
  ["@hourly", ["*-*-* *:00:00 UTC"]],
  ["@weekly", ["Sun *-*-* 00:00:00 UTC"]],
  ["@monthly", ["*-*-01 00:00:00 UTC"]],
  ["@yearly", ["*-01-01 00:00:00 UTC"]],
  ["*/20 * * * *", ["*-*-* *:00,20,40:00 UTC"]],
  ["*/1 0-23 1-31 jan-dec 0-7", ["*-*-* *:*:00 UTC"]],
  ["5,0,5 8-18/5 * FEB,nov *", ["*-02,11-* 08,13,18:00,05:00 UTC"]],
  ["0 0 * * 5-7", ["Sun,Fri,Sat *-*-* 00:00:00 UTC"]],
  // For cron either of the two is enough, unless one begins with a star.
  ["0 0 1 * mon", ["*-*-01 00:00:00 UTC", "Mon *-*-* 00:00:00 UTC"]],
  ["0 0 */2 * mon", ["Mon *-*-01,03,05,07,09,11,13,15,17,19,21,23,25,27,29,31 00:00:00 UTC"]],
])("%s", (at, events) => {
  expect(calendarEvents(at, "UTC")).toEqual(events);
});

const ranges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;
const part = ([first, last]: readonly [number, number]) =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min: first, max: last }).map(String),
    fc
      .tuple(fc.integer({ min: first, max: last }), fc.integer({ min: first, max: last }), fc.integer({ min: 1, max: last }))
      .map(([one, other, step]) => `${Math.min(one, other)}-${Math.max(one, other)}/${step}`),
    fc.integer({ min: 1, max: last }).map((step) => `*/${step}`),
  );
const time = fc.tuple(
  ...ranges.map((range) => fc.array(part(range), { minLength: 1, maxLength: 3 }).map((parts) => parts.join(","))),
);

test("every valid time has events of numbers in order and within their ranges", () => {
  fc.assert(
    fc.property(time, (words) => {
      const at = words.join(" ");
      expect(cronProblem(at)).toBeUndefined();
      for (const event of calendarEvents(at, "UTC")) {
        const found = /^(?:([A-Z][a-z,A-Z]*) )?\*-([*\d,]+)-([*\d,]+) ([*\d,]+):([*\d,]+):00 UTC$/.exec(event);
        expect(found, event).not.toBeNull();
        const [month, day, hour, minute] = found?.slice(2) ?? [];
        for (const [text, index] of [
          [minute, 0],
          [hour, 1],
          [day, 2],
          [month, 3],
        ] as const) {
          if (text === "*") continue;
          const numbers = (text ?? "").split(",").map(Number);
          expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other));
          const [first, last] = ranges[index];
          expect(numbers.every((each) => each >= first && each <= last)).toBe(true);
        }
      }
    }),
  );
});
