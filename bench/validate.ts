import { join } from "node:path";
import { inTurn, seconds } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import type { Figure } from "./support/figure.ts";
import { guestbooks } from "./support/guestbooks.ts";
import { checkout } from "./support/stage.ts";

export const validate: Bench = {
  name: "validate",
  title: "Checking manifests",
  how:
    "`silver validate` of copies of `apps/guestbook`, each time as a new process. The floor is the same command with one of them, so that " +
    "what is above it is the time after start-up.",
  measure: async (stage, runs) => {
    const root = stage.directory();
    const apps = guestbooks(root, 1000);
    const check = (count: number) => {
      const words = ["cli/main.ts", "validate", ...apps.slice(0, count).map((app) => join(root, app))];
      return seconds(() => stage.run(process.execPath, words, { cwd: checkout }));
    };
    // The first process after a change reads all modules from the disk.
    await check(1);
    const results = await inTurn(stage, runs, {
      one: () => check(1),
      fifty: () => check(50),
      thousand: () => check(1000),
    });
    const beside = { what: "one manifest", values: results.one };
    const figures: Figure[] = [
      {
        what: "`silver validate`, 50 manifests",
        unit: "s",
        values: results.fifty,
        beside,
        goal: { kind: "above", atMost: 0.4 },
      },
      { what: "`silver validate`, 1,000 manifests", unit: "s", values: results.thousand, beside },
    ];
    return figures;
  },
};
