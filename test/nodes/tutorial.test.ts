// docs/tutorial.md from its first line to its last, over the real engine and a booted node.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withCheckout } from "../support/checkout.ts";
import { nameOf, stepsOf, take } from "../support/walk.ts";

/** The address of the node in the text. */
const documented = "10.86.2.2";
const steps = stepsOf(readFileSync(join(import.meta.dirname, "../../docs/tutorial.md"), "utf8"));

describe("docs/tutorial.md", () => {
  let checkout: Awaited<ReturnType<typeof withCheckout>>;
  let address: string;
  let hasFailed = false;

  beforeAll(async () => {
    checkout = await withCheckout();
    const { code, output } = await checkout.sh("silver up && git switch -qc blog");
    expect(code, output).toBe(0);
    address = /http:\/\/([\d.]+)\//.exec(output)?.[1] ?? "";
  });
  afterAll(async () => {
    await checkout.remove();
  });

  test.each(steps.map((step) => [nameOf(step), step] as const))("%s", async (_, step) => {
    expect(hasFailed, "an earlier step failed, and each stands on those before it").toBe(false);
    hasFailed = true;
    await take(checkout, step.kind === "command" ? { ...step, command: step.command.replaceAll(documented, address) } : step);
    hasFailed = false;
  });
});
