/** A real browser for tests: Debian's Chromium without a window, with nothing of the user's in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import type { Page } from "playwright-core";

// Quiet: a test loads what it asks for and nothing else.
const options = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** One open page of a browser. */
export interface Browser {
  page: Page;
  /** What the page complained of on its console, from the beginning: broken links, refused styles. */
  complaints: string[];
  close: () => Promise<void>;
}

/** Starts `/usr/bin/chromium` with a profile of its own. Its maker closes it. */
export async function openBrowser(): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "silver-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: "/usr/bin/chromium",
    args: options,
    colorScheme: "light",
    viewport: { width: 960, height: 1100 },
  });
  const page = context.pages()[0] ?? (await context.newPage());
  page.setDefaultTimeout(20_000);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return {
    page,
    complaints,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
