import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { inTurn } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import { guestbooks } from "./support/guestbooks.ts";
import type { PlanTimes } from "./support/plan-times.ts";

const program = join(import.meta.dirname, "support/plan-times.ts");
const nodes = Array.from({ length: 10 }, (_, index) => `web${index}`);

export const plan: Bench = {
  name: "plan",
  title: "Planning",
  how:
    "100 copies of `apps/guestbook` as sites on 10 nodes, one of them changed: environment and manifests are read and checked, the apps' " +
    "files hashed, everything planned, every release and node rendered, and the whole compared with what was planned before. In a new " +
    "process each time, from the moment its modules are loaded; then once more in that process, which has compiled its code by then. " +
    "The time in Node's file system calls is that of other processes: clocks around each call take time, too. " +
    "The floor reads and hashes the same files, in a new process, too.",
  measure: async (stage, runs) => {
    const root = stage.directory();
    const apps = guestbooks(root, 100);
    mkdirSync(join(root, "stacks"));
    const hostKey = `ssh-ed25519 ${"A".repeat(68)}`;
    const declared = nodes.map(
      (name, index) => `  ${name}: { host: 10.0.0.${index + 1}, os: debian-12, roles: [web], hostKey: "${hostKey}" }\n`,
    );
    const placed = apps.map((app, index) => {
      const name = `book${index}`;
      return `  ${name}: { app: ${app}, nodes: [${nodes[index % nodes.length] ?? ""}], locations: [${name}.test] }\n`;
    });
    writeFileSync(join(root, "stacks/test.yaml"), `nodes:\n${declared.join("")}sites:\n${placed.join("")}`);
    const before = join(root, "before.json");
    const start = async (word: string) => await stage.run(process.execPath, [program, word, root, before]);
    await start("remember");
    appendFileSync(join(root, apps[0] ?? "", "src/wsgi.py"), "# changed\n");
    const times = async (word: string) => JSON.parse(await start(word)) as PlanTimes;
    // The first process reads all files from the disk.
    await start("plan");
    const samplers = { ours: () => times("plan"), clocked: () => times("files"), floor: () => times("read") };
    const { ours, clocked, floor } = await inTurn(stage, runs, samplers);
    const of = (part: keyof PlanTimes) => ours.map((each) => each[part]);
    const beside = { what: "reading and hashing the files", values: floor.map(({ whole }) => whole) };
    return [
      { what: "a plan of 100 sites on 10 nodes", unit: "ms", values: of("whole"), beside, goal: { kind: "limit", atMost: 100 } },
      { what: "of that, in file system calls", unit: "ms", values: clocked.map(({ files }) => files) },
      { what: "of that, loading and planning, files included", unit: "ms", values: of("load") },
      { what: "of that, rendering", unit: "ms", values: of("render") },
      { what: "of that, comparing", unit: "ms", values: of("compare") },
      { what: "the same a second time in one process", unit: "ms", values: of("again"), beside },
    ];
  },
};
