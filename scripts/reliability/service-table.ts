import type { FileResult } from "../test-report.ts";
import { aspects, serviceTests, withoutRow, type Aspect, type Shown } from "./service-tests.ts";
import type { Facts } from "./table.ts";

/** What a run showed of one type of service on one system. */
export interface ServiceRow {
  type: string;
  system: string;
  /** Date and commit of the run. */
  run: string;
  cells: Record<Aspect, string>;
}

const passed = "✓";
const failed = "**✗**";

/** Begins the part of docs/services.md that is made from the runs. */
const heading = "## What was shown on which system";

/** The rows of a run on a system. A type whose tests did not all run has none: the row of an earlier run stays. */
export function serviceRows(system: string, { date, commit }: Facts, results: readonly FileResult[]): ServiceRow[] {
  const rows = Object.entries(serviceTests).map(([type, shown]) => ({
    type,
    system,
    run: `${date} ${commit}`,
    cells: Object.fromEntries(aspects.map((aspect) => [aspect, cellOf(shown[aspect], results)])) as ServiceRow["cells"],
  }));
  return rows.filter(({ cells }) => Object.values(cells).every((cell) => cell !== ""));
}

/** Empty when its test did not run. */
function cellOf(shown: Shown, results: readonly FileResult[]): string {
  if ("none" in shown) return "none";
  const found = results.find(({ file }) => file === shown.file);
  if (found === undefined) return "";
  const isIt = (name: string): boolean => name.includes(shown.test);
  // What failed around the tests, such as a hook, kept this one from running.
  if (!found.passed.some(isIt)) return found.skipped.some(isIt) ? "" : failed;
  return found.failed.some(({ name }) => isIt(name)) ? failed : passed;
}

/** Where the reason stands why there is nothing to show; undefined where there is. */
const noteOf = (shown: Shown | undefined): string | undefined =>
  shown !== undefined && "none" in shown ? `(${reasons.indexOf(shown.none) + 1})` : undefined;

const reasons = [
  ...new Set(
    Object.values(serviceTests).flatMap((shown) => Object.values(shown).flatMap((each) => ("none" in each ? [each.none] : []))),
  ),
];

/** The page with the rows of a run in place of the same rows of earlier ones, by type and system. */
export function withServiceRows(page: string, rows: readonly ServiceRow[], systems: readonly string[]): string {
  const key = ({ type, system }: ServiceRow): string => `${type} ${system}`;
  const all = new Map([...readRows(page), ...rows].map((row) => [key(row), row]));
  const lines = Object.keys(serviceTests).flatMap((type) =>
    systems.map((system) => {
      const row = all.get(`${type} ${system}`);
      const cell = (aspect: Aspect): string => noteOf(serviceTests[type]?.[aspect]) ?? row?.cells[aspect] ?? "";
      return [type, system, row?.run ?? "not run", ...aspects.map(cell)];
    }),
  );
  const head = ["service", "system", "run", ...aspects];
  const table = [head, head.map(() => "---"), ...lines].map((line) => `| ${line.join(" | ")} |\n`).join("");
  return `${above(page)}${heading}

Each ✓ is a test on a booted node that passed in the run that is named. \`npm run test:all\` writes this table;
\`scripts/reliability/service-tests.ts\` says which test shows what. "Apart": another site, and the app itself, were tried as attackers.

${table}
${reasons.map((reason, index) => `(${index + 1}) ${reason}. `).join("")}

Without a row: ${[...Map.groupBy(Object.keys(withoutRow), (type) => withoutRow[type] ?? "")].map(([why, types]) => `${types.map((type) => `\`${type}\``).join(", ")} (${why})`).join("; ")}.
`;
}

const above = (page: string): string => page.split(heading)[0] ?? "";

function readRows(page: string): ServiceRow[] {
  const lines = (page.split(heading)[1] ?? "").split("\n").filter((line) => line.startsWith("| "));
  const [head = [], , ...rows] = lines.map((line) =>
    line
      .slice(1, line.lastIndexOf("|"))
      .split("|")
      .map((cell) => cell.trim()),
  );
  return rows
    .map((row) => Object.fromEntries(head.map((name, index) => [name, row[index] ?? ""])))
    .filter(({ run }) => run !== "not run")
    .map((row) => ({
      type: row.service ?? "",
      system: row.system ?? "",
      run: row.run ?? "",
      cells: Object.fromEntries(aspects.map((aspect) => [aspect, row[aspect] ?? ""])) as ServiceRow["cells"],
    }));
}
