/** A real browser for tests: Debian's Chromium without a window, with nothing of the user's in it. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
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

/** What else a browser is told. */
export interface BrowserOptions {
  /** File with the certificate of an authority that its user has told it to trust. */
  authority?: string;
  /** Address of every host below .test. */
  address?: string;
}

/** Starts `/usr/bin/chromium` with a profile and a home of its own. Its maker closes it. */
export async function openBrowser({ authority, address }: BrowserOptions = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "silver-browser-"));
  if (authority !== undefined) trust(profile, authority);
  const context = await chromium.launchPersistentContext(join(profile, "profile"), {
    executablePath: "/usr/bin/chromium",
    args: [...options, ...(address === undefined ? [] : [`--host-resolver-rules=MAP *.test ${address}`])],
    env: { ...(process.env as Record<string, string>), HOME: profile },
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

/** As a person does in the settings of a browser: it is then in the user's own list. */
function trust(home: string, authority: string): void {
  const list = join(home, ".pki/nssdb");
  mkdirSync(list, { recursive: true });
  execFileSync("certutil", ["-d", `sql:${list}`, "-N", "--empty-password"]);
  execFileSync("certutil", ["-d", `sql:${list}`, "-A", "-t", "C,,", "-n", "silver", "-i", authority]);
}
