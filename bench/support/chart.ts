/** docs/benchmarks.svg, out of the results: a pair of bars a figure, each pair to its own scale. Pure. */
import { spreadOf } from "./figure.ts";
import type { Figure, Goal } from "./figure.ts";
import { amount } from "./report.ts";
import type { Result } from "./results.ts";

const width = 860;
const margin = 20;
/** Room for the amount behind the longest bar. */
const barWidth = 540;
const barHeight = 12;

// Readable on white and on black: the picture follows the reader's own colours.
const style = `
  text { font: 13px system-ui, sans-serif; fill: #24292f; }
  .title { font-weight: 600; font-size: 15px; }
  .small { font-size: 12px; fill: #57606a; }
  .ours { fill: #1f6feb; }
  .beside { fill: #9aa4af; }
  .spread { stroke: #24292f; stroke-width: 1.5; }
  .goal { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 3 2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .small { fill: #9da7b1; }
    .ours { fill: #58a6ff; }
    .beside { fill: #6e7681; }
    .spread { stroke: #e6edf3; }
    .goal { stroke: #ff7b72; }
  }`;

/** Only figures with something beside them: a bar alone says nothing. */
export function renderChart(results: readonly Result[]): string {
  const parts: string[] = [];
  let y = margin + 12;
  const text = (words: string, kind: string, x = margin) => {
    parts.push(`<text class="${kind}" x="${x}" y="${y}">${escape(words)}</text>`);
  };
  legend(parts, y);
  y += 16;
  for (const { title, figures } of results) {
    const compared = figures.filter(({ beside }) => beside !== undefined);
    if (compared.length === 0) continue;
    y += 26;
    text(title, "title");
    for (const figure of compared) {
      y += 24;
      text(figure.what.replaceAll("`", ""), "plain");
      y = bars(parts, figure, y + 6);
    }
  }
  const height = y + margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>Benchmarks: every figure beside its floor or peer</title>
<style>${style}
</style>
${parts.join("\n")}
</svg>
`;
}

function legend(parts: string[], y: number): void {
  parts.push(
    `<rect class="ours" x="${margin}" y="${y - 10}" width="12" height="12"/><text class="small" x="${margin + 18}" y="${y}">ours</text>`,
    `<rect class="beside" x="${margin + 70}" y="${y - 10}" width="12" height="12"/><text class="small" x="${margin + 88}" y="${y}">floor or peer</text>`,
    `<line class="goal" x1="${margin + 190}" x2="${margin + 190}" y1="${y - 11}" y2="${y + 3}"/><text class="small" x="${margin + 198}" y="${y}">goal: at most this, of requests a second at least; each pair has a scale of its own</text>`,
  );
}

/** Returns the y of the next line. */
function bars(parts: string[], figure: Figure, top: number): number {
  const { unit, values, beside, goal } = figure;
  const rows = [
    { kind: "ours", samples: values, what: "" },
    ...(beside === undefined ? [] : [{ kind: "beside", samples: beside.values, what: ` ${beside.what}` }]),
  ];
  const mark = goal === undefined ? undefined : goalAt(figure, goal);
  const longest = Math.max(mark ?? 0, ...rows.flatMap(({ samples }) => samples)) || 1;
  const at = (value: number) => Math.round((margin + (value / longest) * barWidth) * 10) / 10;
  let y = top;
  for (const { kind, samples, what } of rows) {
    const { median, least, most } = spreadOf(samples);
    const middle = y + barHeight / 2;
    const end = Math.max(at(median), margin + 1);
    parts.push(
      `<rect class="${kind}" x="${margin}" y="${y}" width="${Math.round((end - margin) * 10) / 10}" height="${barHeight}"/>`,
      ...(least === most ? [] : [`<line class="spread" x1="${at(least)}" x2="${at(most)}" y1="${middle}" y2="${middle}"/>`]),
      `<text class="small" x="${Math.max(at(most), end) + 8}" y="${y + 10}">${escape(amount(median, unit) + what)}</text>`,
    );
    y += barHeight + 3;
  }
  // Across our own bar alone: the one below has words where the goal may be.
  if (mark !== undefined)
    parts.push(`<line class="goal" x1="${at(mark)}" x2="${at(mark)}" y1="${top - 3}" y2="${top + barHeight + 2}"/>`);
  return y + 4;
}

/** The goal on the scale of our own bar. */
function goalAt({ beside }: Figure, goal: Goal): number {
  const bound = goal.kind === "share" ? goal.atLeast : goal.atMost;
  if (goal.kind === "limit" || beside === undefined) return bound;
  const floor = spreadOf(beside.values)[("by" in goal ? goal.by : undefined) ?? "median"];
  return goal.kind === "above" ? floor + bound : floor * bound;
}

const escape = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
