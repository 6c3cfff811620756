import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { packBundle } from "../../components/bundle/pack.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silver-bundle-"));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

test("sockets, pipes and devices are refused, all at once and by name", () => {
  mkdirSync(join(root, "apps/blog/src"), { recursive: true });
  writeFileSync(join(root, "apps/blog/src/wsgi.py"), "");
  execFileSync("mkfifo", [join(root, "apps/blog/pipe"), join(root, "apps/blog/src/pipe")]);
  const found = packBundle(root, "apps/blog", "1.0.0").issues.map(({ code, place }) => `${code} ${place.file}`);
  expect(found).toEqual(["special-file apps/blog/pipe", "special-file apps/blog/src/pipe"]);
});
