import { renderColumns } from "./columns.ts";
import type { SiteStatus } from "./site-status.ts";

type Job = SiteStatus["jobs"][number];

/** What is wrong with jobs, for a site's state: those whose last run failed. */
export function failingJobs(jobs: readonly Job[]): string[] {
  return jobs.flatMap(({ name, last, failures }) => {
    const why = last?.result ?? "";
    if (failures === 0 || last === null || why === "") return [];
    const often = failures > 1 ? `, ${failures} times in a row` : "";
    return [`job ${name} failed at ${momentText(last.began)}: ${why}${often}`];
  });
}

/** The jobs of the sites shown, one a line; nothing where there are none. */
export function renderJobs(rows: readonly SiteStatus[]): string[] {
  const cells = rows.flatMap(({ site, node, jobs }) =>
    jobs.map(({ name, last, next, running, skipped }) => {
      const now = running === 0 ? "" : running === 1 ? "runs now" : `${running} run now`;
      const left = skipped === 0 ? "" : `skipped ${skipped} times`;
      const ended = last === null ? "never" : `${last.result ?? "ok"} after ${last.seconds}s`;
      const began = last === null ? "-" : momentText(last.began);
      return [
        `${site} ${name}`,
        node,
        began,
        ended,
        next === null ? "never" : momentText(next),
        [now, left].filter(Boolean).join(", "),
      ];
    }),
  );
  return cells.length === 0 ? [] : ["", renderColumns(["JOB", "NODE", "LAST", "ENDED", "NEXT", ""], cells)];
}

/** In UTC, as the logs of requests. */
function momentText(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(/:\d\d\.\d+Z$/, "Z");
}
