import { UserError } from "./user-error.ts";

const secondsOf = { s: 1, m: 60, h: 3600, d: 86_400 } as const;

/** The moment that `--since` names: a time span before now, or a time. In seconds of the epoch, as `now`. */
export function parseSince(text: string, now: number): number {
  const span = /^(\d+)([smhd])$/.exec(text);
  if (span !== null) return Math.max(0, now - Number(span[1]) * secondsOf[span[2] as keyof typeof secondsOf]);
  const moment = /^\d{4}-\d{2}-\d{2}/.test(text) ? Date.parse(text) / 1000 : Number.NaN;
  if (Number.isNaN(moment) || moment < 0)
    throw new UserError(
      `--since is ${text}: it must be a time span or a time`,
      "write for example 10m, 2h, 3d or 2026-11-21T15:00",
      2,
    );
  return moment;
}
