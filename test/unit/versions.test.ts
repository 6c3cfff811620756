import fc from "fast-check";
import { expect, test } from "vitest";
import { compareVersions } from "../../components/plan/version.ts";

const number = fc.integer({ min: 0, max: 30 });
const semver = fc
  .tuple(
    number,
    number,
    number,
    fc.option(fc.stringMatching(/^(0|[1-9][0-9]{0,2}|[a-z]{1,3})(\.(0|[1-9][0-9]?|[a-z]{1,2}))?$/), { nil: undefined }),
  )
  .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre === undefined ? "" : `-${pre}`}`);
const timestamp = fc
  .tuple(
    fc.date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true }),
    fc.constantFrom(8, 12, 14),
    fc.option(fc.integer({ min: 0, max: 1200 }), { nil: undefined }),
  )
  .map(([date, digits, counter]) => {
    const text = date.toISOString().replace(/\D/g, "").slice(0, digits);
    return counter === undefined ? text : `${text}_${String(counter).padStart(3, "0")}`;
  });

const compared = (one: string, other: string): number => compareVersions(one, other) ?? Number.NaN;

test.each([
  ["1.4.0", "1.5.0"],
  ["1.9.0", "1.10.0"],
  ["2.0.0-rc.1", "2.0.0"],
  ["2.0.0-rc.2", "2.0.0-rc.10"],
  ["2.0.0-1", "2.0.0-alpha"],
  ["20261121", "20261121_001"],
  ["20261121_9", "20261121_10"],
  ["20261121_999", "20261122"],
  ["20261121", "202611210001"],
  ["202611210830_2", "20261121083001"],
])("%s is older than %s", (older, newer) => {
  expect(compared(older, newer)).toBeLessThan(0);
  expect(compared(newer, older)).toBeGreaterThan(0);
});

test("leading zeros of a counter and missing digits of a time don't count", () => {
  expect(compared("20261121_01", "20261121_001")).toBe(0);
  expect(compared("202611210800", "20261121080000_0")).toBe(0);
});

test("semver and a timestamp don't compare", () => {
  fc.assert(
    fc.property(semver, timestamp, (one, other) => {
      expect(compareVersions(one, other)).toBeUndefined();
    }),
  );
});

test.each([
  ["semver", semver],
  ["timestamps", timestamp],
])("%s are in one order: the same both ways, and through a third", (_, version) => {
  fc.assert(
    fc.property(version, version, version, (one, other, third) => {
      expect(compared(one, one)).toBe(0);
      expect(Math.sign(compared(one, other)) + Math.sign(compared(other, one))).toBe(0);
      if (compared(one, other) <= 0 && compared(other, third) <= 0) expect(compared(one, third)).toBeLessThanOrEqual(0);
    }),
  );
});
