import type { FileResult } from "../test-report.ts";
import { attacks } from "./attacks.ts";

/** One run of all tests of a kind, as docs/reliability.md shows it: facts first, then a cell a test file. */
export interface Column {
  /** A system, or `soak`. */
  name: string;
  facts: Facts;
  /** What the cell of a test file says, by its path. */
  cells: Record<string, string>;
}

/** What a reader must know of a run to believe it. */
export interface Facts {
  date: string;
  commit: string;
  machine: string;
}

const factNames = ["date", "commit", "machine"] as const;

const preamble = `# Reliability

What the node tests and the soak showed, a column a run; what has no column has not run. Each run of \`npm run test:all -- NAME…\` replaces its own
columns; without a name it runs all of them. A cell says how many tests of a file passed, which did not, and how long the file took.
\`npm run test:all -- NAME FILE…\` runs files of a column again, and replaces their cells, with the commit where it is another.
`;

/** The column of a run. */
export function columnOf(name: string, facts: Facts, results: readonly FileResult[]): Column {
  return { name, facts, cells: Object.fromEntries(results.map((result) => [result.file, cellOf(result)])) };
}

function cellOf({ passed, failed, skipped, seconds }: FileResult): string {
  const not = (what: string, names: readonly string[]): string[] =>
    names.length === 0 ? [] : [`**${names.length} ${what}**: ${names.join("; ")}`];
  return [
    `${passed.length} passed`,
    ...not(
      "failed",
      failed.map(({ name }) => name),
    ),
    ...not("skipped", skipped),
    `${seconds} s`,
  ].join(" · ");
}

/** A column whose run of some files again replaces their cells; each says its own commit where that is another. */
export function mended(column: Column, again: Column): Column {
  const { commit } = again.facts;
  const own = commit === column.facts.commit ? "" : ` · ${commit}`;
  const cells = Object.entries(again.cells).map(([file, cell]) => [file, cell + own]);
  return { ...column, cells: { ...column.cells, ...(Object.fromEntries(cells) as Column["cells"]) } };
}

/** The columns with one of them replaced, or added at the end. */
export const replaceColumn = (columns: readonly Column[], column: Column): Column[] =>
  columns.some(({ name }) => name === column.name)
    ? columns.map((each) => (each.name === column.name ? column : each))
    : [...columns, column];

/** Begins what stands below the columns. */
const below = "## Attacks";

/** The page, with what was tried against the project below its columns; prettier gives the tables their shape. */
export function renderColumns(columns: readonly Column[]): string {
  const files = [...new Set(columns.flatMap(({ cells }) => Object.keys(cells)))].sort();
  const rows = [
    ["", ...columns.map(({ name }) => name)],
    columns.map(() => "---").concat("---"),
    ...factNames.map((fact) => [fact, ...columns.map(({ facts }) => facts[fact])]),
    ...files.map((file) => [file, ...columns.map(({ cells }) => cells[file] ?? "")]),
  ];
  return `${preamble}\n${tableOf(rows)}\n${below}

What was tried against the project, and the test that tries it again.

${tableOf([
  ["attack or fault", "what holds", "tested in"],
  ["---", "---", "---"],
  ...attacks.map(({ attack, holds, file }) => [attack, holds, file]),
])}`;
}

const tableOf = (rows: readonly (readonly string[])[]): string =>
  rows.map((row) => `| ${row.map(escape).join(" | ")} |\n`).join("");

/** The columns of a page that `renderColumns` made; none of any other text. */
export function readColumns(page: string): Column[] {
  const [head, , ...rows] = (page.split(below)[0] ?? "")
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf("|"))
        .split(/(?<!\\)\|/)
        .map((cell) => unescape(cell.trim())),
    );
  return (head ?? []).slice(1).map((name, index) => {
    const said = new Map(rows.map(([row = "", ...cells]) => [row, cells[index] ?? ""]));
    const fact = (wanted: keyof Facts): string => said.get(wanted) ?? "";
    const facts = { date: fact("date"), commit: fact("commit"), machine: fact("machine") };
    const cells = [...said].filter(([row, cell]) => cell !== "" && !factNames.some((each) => each === row));
    return { name, facts, cells: Object.fromEntries(cells) };
  });
}

/** Text that stands in a cell as it is: names of tests hold what Markdown takes for marks. */
const escape = (cell: string): string => cell.replaceAll("|", String.raw`\|`).replaceAll(/\s+/g, " ");
const unescape = (cell: string): string => cell.replaceAll(String.raw`\|`, "|");
