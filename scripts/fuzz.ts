// Throws random manifests at both readers and the schema, and reports whether one crashed, hung, took over 50 ms of CPU time,
// or gave an issue that points nowhere. Usage: node scripts/fuzz.ts [count, default 100000] [seed, default 1]
// The same count and seed give the same manifests; input N alone is run again by: node scripts/fuzz.ts 1 SEED N
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { checkManifestText, type Verdict } from "./fuzz/check-manifest-text.ts";
import { ManifestMaker } from "./fuzz/manifest-maker.ts";

interface Job {
  count: number;
  seed: number;
  first: number;
}

interface Progress {
  done: number;
  slowest: Verdict & { index: number; characters: number };
  failures: string[];
}

/** Limit of CPU time for any manifest, in milliseconds. */
const MOST_MILLISECONDS = 50;
/** An input that takes this long has hung, in milliseconds. */
const HANGS_AFTER = 20_000;

if (isMainThread) await watch(readArguments());
else work(workerData as Job);

function readArguments(): Job {
  const [count = 100_000, seed = 1, first = 0] = process.argv.slice(2).map(Number);
  if ([count, seed, first].every((number) => Number.isSafeInteger(number) && number >= 0)) return { count, seed, first };
  console.error("usage: node scripts/fuzz.ts [count] [seed] [first]");
  process.exit(2);
}

/** Runs the job in a thread, and terminates it when it hangs. */
async function watch(job: Job): Promise<void> {
  const start = performance.now();
  const worker = new Worker(new URL(import.meta.url), { workerData: job });
  let last: Progress | undefined;
  let timer = hangTimer(job.first);
  worker.on("message", (progress: Progress) => {
    last = progress;
    clearTimeout(timer);
    timer = hangTimer(job.first + progress.done);
  });
  const exitCode = await new Promise<number>((resolve) => {
    worker.on("error", (error) => {
      console.error(error);
      resolve(1);
    });
    worker.on("exit", resolve);
  });
  clearTimeout(timer);
  const seconds = ((performance.now() - start) / 1000).toFixed(0);
  const { done = 0, slowest, failures = [] } = last ?? {};
  console.log(`${done} manifests in ${seconds} s, seed ${job.seed}: ${failures.length} failures`);
  if (slowest) {
    console.log(`slowest: ${slowest.milliseconds.toFixed(1)} ms, input ${slowest.index} of ${slowest.characters} characters`);
  }
  for (const failure of failures) console.log(failure);
  process.exitCode = exitCode === 0 && done === job.count && failures.length === 0 ? 0 : 1;
}

function hangTimer(index: number): NodeJS.Timeout {
  return setTimeout(() => {
    console.error(`no answer for ${HANGS_AFTER / 1000} s, at one of the inputs from ${index} on`);
    process.exit(1);
  }, HANGS_AFTER);
}

function work({ count, seed, first }: Job): void {
  const maker = new ManifestMaker(seed);
  const progress: Progress = { done: 0, slowest: { milliseconds: 0, index: 0, characters: 0 }, failures: [] };
  for (let index = first; index < first + count; index += 1) {
    const { text, file } = maker.make(index);
    const verdict = checkManifestText(text, file, MOST_MILLISECONDS);
    progress.done += 1;
    if (verdict.failure !== undefined) progress.failures.push(`input ${index} (${file}): ${verdict.failure}`);
    if (verdict.milliseconds > progress.slowest.milliseconds) {
      progress.slowest = { ...verdict, index, characters: text.length };
    }
    if (progress.done % 1000 === 0 || progress.done === count) parentPort?.postMessage(progress);
    if (progress.failures.length >= 10) break;
  }
  parentPort?.postMessage(progress);
}
