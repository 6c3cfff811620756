/**
 * Measures what the project promises in seconds and megabytes: npm run bench [-- NAME… --runs N].
 * Writes bench/results.json, docs/benchmarks.md and docs/benchmarks.svg; a bench that is not named keeps its figures.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseArgs } from "node:util";
import { renderBenchmarks, writeDocs } from "../scripts/docs.ts";
import { addService } from "./add-service.ts";
import { database } from "./database.ts";
import { deploy } from "./deploy.ts";
import { load } from "./load.ts";
import { emptyNode } from "./node.ts";
import { plan } from "./plan.ts";
import { recycling } from "./recycling.ts";
import { release } from "./release.ts";
import { manySites } from "./sites.ts";
import { slowVisitors } from "./slow.ts";
import type { Bench } from "./support/bench.ts";
import { describeMachine } from "./support/machine.ts";
import { renderTable } from "./support/report.ts";
import { mergeResults, readResults, writeResults } from "./support/results.ts";
import type { Result } from "./support/results.ts";
import { Stage } from "./support/stage.ts";
import { throughput } from "./throughput.ts";
import { unchanged } from "./unchanged.ts";
import { validate } from "./validate.ts";

const benches: readonly Bench[] = [
  unchanged,
  deploy,
  emptyNode,
  load,
  slowVisitors,
  throughput,
  release,
  recycling,
  manySites,
  database,
  addService,
  validate,
  plan,
];
const names = benches.map(({ name }) => name);

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** The terminal sends Ctrl-C to a whole session: the benches have a session of their own, and end what they run cleanly. */
async function inOwnSession(): Promise<void> {
  const child = spawn(process.execPath, process.argv.slice(1), {
    stdio: "inherit",
    detached: true,
    env: { ...process.env, SILVER_BENCH_SESSION: "own" },
  });
  for (const name of signals) process.on(name, () => child.kill("SIGTERM"));
  const [code] = (await once(child, "close")) as [number | null];
  process.exitCode = code ?? 1;
}

async function measure(wanted: readonly Bench[], runs: number): Promise<void> {
  const stop = new AbortController();
  for (const name of signals) {
    process.on(name, () => {
      if (!stop.signal.aborted) console.error("Stopping: what was brought up is taken down first.");
      stop.abort(new Error("stopped"));
    });
  }
  const machine = describeMachine();
  for (const bench of wanted) {
    console.error(`${bench.title} (${bench.name})`);
    const stage = new Stage(bench.name, stop.signal);
    try {
      const figures = await bench.measure(stage, runs);
      const { name, title, how } = bench;
      const result: Result = { name, title, how, date: new Date().toISOString().slice(0, 10), machine, figures };
      writeResults(mergeResults(readResults(), [result], names));
      writeDocs(await renderBenchmarks());
      console.log(renderTable([result]));
    } catch (error) {
      if (!stop.signal.aborted) console.error(error);
      process.exitCode = 1;
    } finally {
      await stage.close();
    }
    if (stop.signal.aborted) return;
  }
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { runs: { type: "string", default: "5" } } });
const runs = Number(values.runs);
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0 || !Number.isInteger(runs) || runs < 1) {
  console.error(
    `usage: npm run bench [-- NAME… --runs N]\n  N: samples of each figure, 5 where it is not said\n  NAME: ${names.join(", ")}`,
  );
  process.exitCode = 2;
} else if (process.env.SILVER_BENCH_SESSION === undefined) await inOwnSession();
else
  await measure(
    benches.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    runs,
  );
