import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { agentZipapp } from "../../components/node/zipapp.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "silver-zipapp-"));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

it("has the same bytes whatever the times of its sources", () => {
  const { bytes, sha256 } = agentZipapp();
  const source = fileURLToPath(new URL("../../components/node/agent/__main__.py", import.meta.url));
  utimesSync(source, new Date(), new Date());
  const again = agentZipapp();
  expect(Buffer.from(again.bytes).equals(Buffer.from(bytes))).toBe(true);
  expect(again.sha256).toBe(sha256);
  expect(createHash("sha256").update(bytes).digest("hex")).toBe(sha256);
});

it("is an archive that Python reads, with the sources, the contract and nothing else", () => {
  const path = join(directory, "agent.pyz");
  writeFileSync(path, agentZipapp().bytes);
  const code = `
import json, sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    assert archive.testzip() is None
    entries = archive.infolist()
    print(json.dumps([[e.filename, e.date_time[0], oct(e.external_attr >> 16), archive.read(e).decode()] for e in entries]))
`;
  const entries = JSON.parse(execFileSync("python3", ["-c", code, path], { encoding: "utf8" })) as [
    string,
    number,
    string,
    string,
  ][];
  const names = entries.map(([name]) => name);
  expect(names).toContain("__main__.py");
  expect(names).toContain("silver/main.py");
  expect(names).toEqual([...names].sort());
  expect(names.filter((name) => !name.endsWith(".py"))).toEqual(["silver/contract.json"]);
  for (const [name, year, mode, text] of entries) {
    expect([year, mode]).toEqual([1980, "0o100644"]);
    expect(text).toBe(readFileSync(new URL(`../../components/node/agent/${name}`, import.meta.url), "utf8"));
  }
});

it("runs, and knows its own digest", () => {
  const path = join(directory, "agent.pyz");
  const { bytes, sha256 } = agentZipapp();
  writeFileSync(path, bytes);
  const hello = JSON.parse(execFileSync("python3", [path, "hello"], { encoding: "utf8", input: "{}" })) as { agent: string };
  expect(hello.agent).toBe(sha256);
});
