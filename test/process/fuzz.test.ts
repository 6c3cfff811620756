// A short run of the fuzz script: no crash, no hang, no manifest that takes over 50 ms, no issue that points nowhere.
// npm run test:all -- soak makes it longer; a long one by hand: node scripts/fuzz.ts 1000000
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { soak } from "../support/soak.ts";
import { capture } from "../support/capture.ts";

const script = resolve(import.meta.dirname, "../../scripts/fuzz.ts");
const count = 5000 * soak;

// One seed finds again what it found before, the other one what nobody has seen yet; its number stands in what is printed.
test.concurrent.each([1, Math.floor(Math.random() * 2 ** 31)])(
  "made-up manifests of the seed %i harm nobody",
  async (seed) => {
    const { code, output } = await capture(process.execPath, [script, String(count), String(seed)]);
    expect(output).toMatch(new RegExp(`^${count} manifests in \\d+ s, seed ${seed}: 0 failures$`, "m"));
    expect(code, output).toBe(0);
  },
  // The script itself ends a run that hangs.
  120_000 * soak,
);
