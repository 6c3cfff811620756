// Which nodes have the checkout's authority for certificates, whatever fails in between: on the node itself, test/nodes/https.test.ts.
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test, vi } from "vitest";
import { bootNode } from "../../components/machines/boot-node.ts";
import { cloneOf } from "../../components/machines/clone.ts";
import { ensureNode } from "../../components/machines/local-machine.ts";
import { filesOf, readRecord, writeRecord } from "../../components/machines/node-disk.ts";

/** What is on the node. */
const onNode = vi.hoisted(() => ({ hasAuthority: false }));

vi.mock("../../components/machines/preflight.ts");
vi.mock("../../components/machines/boot-node.ts");
vi.mock("../../components/machines/lock.ts", () => ({
  withLock: (_file: string, _seconds: number, action: () => unknown) => action(),
}));
vi.mock("../../components/machines/authority.ts", () => ({
  settleAuthority: (_clone: unknown, _record: unknown, isWanted: boolean) => {
    onNode.hasAuthority = isWanted;
    return Promise.resolve();
  },
}));

const directory = realpathSync(mkdtempSync(join(tmpdir(), "silver-authority-")));
const clone = { ...cloneOf(directory), nodesDirectory: join(directory, "nodes") };
const files = filesOf(clone, "web1");
const os = "debian-12";

beforeEach(async () => {
  rmSync(directory, { recursive: true });
  mkdirSync(files.directory, { recursive: true });
  const place = { address: "10.0.0.2", subnet: "10.0.0", number: 2 };
  await writeRecord(files, { name: "web1", address: "10.0.0.2", port: 22, hostKey: "a", machineId: "b", os, place });
  onNode.hasAuthority = false;
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

const ensure = (hasAuthority?: boolean) =>
  ensureNode(clone, { name: "web1", os, prepared: [], ...(hasAuthority === undefined ? {} : { hasAuthority }) }, () => undefined);
const recorded = async () => (await readRecord(files))?.hasAuthority;

test("it comes and goes as the environment has it, and stays as it is where a person starts the node by hand", async () => {
  for (const [asked, has] of [
    [undefined, false],
    [true, true],
    [undefined, true],
    [false, false],
    [undefined, false],
  ] as const) {
    await ensure(asked);
    expect([onNode.hasAuthority, (await recorded()) ?? false]).toEqual([has, has]);
  }
});

test("where the node does not boot, it is taken away the next time", async () => {
  await ensure(true);
  vi.mocked(bootNode).mockRejectedValueOnce(new Error("no boot"));
  await expect(ensure(false)).rejects.toThrow("no boot");
  expect([onNode.hasAuthority, await recorded()]).toEqual([true, true]);
  await ensure(false);
  expect([onNode.hasAuthority, await recorded()]).toEqual([false, undefined]);
});
