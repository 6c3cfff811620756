// Times of jobs on the days when clocks change, as this computer's systemd understands them.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { calendarEvents } from "../../components/render/calendar.ts";

/** The next times after one, in UTC, without their seconds. */
const next = (at: string, after: string, zone = "Europe/Berlin", count = 3): string[] => {
  const [event = ""] = calendarEvents(at, zone);
  const words = ["calendar", `--base-time=${after} UTC`, `--iterations=${String(count)}`, event];
  const said = execFileSync("systemd-analyze", words, { encoding: "utf8", env: { ...process.env, TZ: "UTC", LC_ALL: "C" } });
  return [...said.matchAll(/(?:Next elapse|Iter(?:ation|\.) #\d+): \w+ (\S+ \d\d:\d\d):00 UTC/g)].map(([, time = ""]) => time);
};

test("a time that comes twice counts once, and one that does not come is left out", () => {
  expect(next("30 2 * * *", "2026-10-24 12:00", undefined, 2)).toEqual(["2026-10-25 00:30", "2026-10-26 01:30"]);
  expect(next("30 2 * * *", "2026-03-27 12:00", undefined, 2)).toEqual(["2026-03-28 01:30", "2026-03-30 00:30"]);
});

test("a job of every minute pauses in the hour that comes twice, and in UTC it does not", () => {
  expect(next("* * * * *", "2026-10-25 00:58")).toEqual(["2026-10-25 00:59", "2026-10-25 02:00", "2026-10-25 02:01"]);
  expect(next("* * * * *", "2026-10-25 00:58", "UTC")).toEqual(["2026-10-25 00:59", "2026-10-25 01:00", "2026-10-25 01:01"]);
  expect(next("* * * * *", "2026-03-29 00:58")).toEqual(["2026-03-29 00:59", "2026-03-29 01:00", "2026-03-29 01:01"]);
});
