import compare from "semver/functions/compare.js";

/**
 * Compares two versions of a site that passed the schema: semver, or timestamps such as `20261121_001`.
 * Negative, 0 or positive, as for sort; undefined when one is semver and the other a timestamp, which don't compare.
 */
export function compareVersions(one: string, other: string): number | undefined {
  const [stamp, otherStamp] = [parseTimestamp(one), parseTimestamp(other)];
  if (stamp === undefined && otherStamp === undefined) return compare(one, other);
  if (stamp === undefined || otherStamp === undefined) return undefined;
  return Math.sign(stamp.moment - otherStamp.moment) || Math.sign(stamp.counter - otherStamp.counter);
}

/** `YYYYMMDD[HHMM[SS]][_N]`: missing digits of the time and a missing counter are 0. */
function parseTimestamp(text: string): { moment: number; counter: number } | undefined {
  const [, moment, counter = "0"] = /^(\d{8,14})(?:_(\d+))?$/.exec(text) ?? [];
  return moment === undefined ? undefined : { moment: Number(moment.padEnd(14, "0")), counter: Number(counter) };
}
