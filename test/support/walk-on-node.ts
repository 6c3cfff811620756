import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { withCheckout } from "./checkout.ts";
import { nameOf, stepsOf, take } from "./walk.ts";

/** The address of the node in the pages. */
const documented = "10.86.2.2";

/** A checkout with its node up, as the pages find it. */
interface Place {
  checkout: Awaited<ReturnType<typeof withCheckout>>;
  address: string;
}

/**
 * Goes through a page of docs/ from its first line to its last, over the real engine and a booted node; each step is a test.
 * @param begin what the checkout does first; it prints the node's address
 * @param further more tests, at the end
 */
export function walkOnNode(page: string, begin: string, further: (place: () => Place) => void = () => undefined): void {
  const steps = stepsOf(readFileSync(join(import.meta.dirname, "../../docs", page), "utf8"));
  describe(`docs/${page}`, () => {
    let place: Place;
    let hasFailed = false;

    beforeAll(async () => {
      const checkout = await withCheckout();
      place = { checkout, address: "" };
      const { code, output } = await checkout.sh(begin);
      expect(code, output).toBe(0);
      place.address = /http:\/\/([\d.]+)\//.exec(output)?.[1] ?? "";
    });
    afterAll(async () => {
      await place.checkout.remove();
    });

    test.each(steps.map((step) => [nameOf(step), step] as const))("%s", async (_, step) => {
      expect(hasFailed, "an earlier step failed, and each stands on those before it").toBe(false);
      hasFailed = true;
      const { checkout, address } = place;
      await take(checkout, step.kind === "command" ? { ...step, command: step.command.replaceAll(documented, address) } : step);
      hasFailed = false;
    });

    further(() => place);
  });
}
