// docs/own-server.md, as far as it needs no server: its commands, the files that its reader writes, and what it says is printed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { offlineCheckout } from "../support/checkout.ts";
import { nameOf, stepsOf, take } from "../support/walk.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/own-server.md"), "utf8");
const steps = stepsOf(text);

describe("docs/own-server.md", () => {
  let checkout: Awaited<ReturnType<typeof offlineCheckout>>;
  beforeAll(async () => {
    checkout = await offlineCheckout();
  });
  afterAll(() => {
    checkout.remove();
  });

  test.each(steps.map((step) => [nameOf(step), step] as const))("%s", async (_, step) => {
    await take(checkout, step);
  });

  test("its other commands are those of silver, with options that they take", async () => {
    const said = [...text.matchAll(/^```sh\n([^]*?)^```$/gm)].flatMap(([, block = ""]) => block.split("\n"));
    const verbs = said.flatMap((line) => /^silver ((?:secret )?\w+)/.exec(line)?.[1] ?? []);
    expect(verbs).toEqual(["secret set", "preview", "up", "claim", "up"]);
    for (const verb of verbs) {
      const { output } = await checkout.sh(`silver ${verb} --help`);
      expect(output).toContain("--environment <name>");
    }
  });
});
