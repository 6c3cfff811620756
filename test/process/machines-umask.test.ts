// Files of a node have the modes that are said, whatever umask the person has who makes it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";

const machines = resolve(import.meta.dirname, "../../components/machines");
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "machines-umask-"));
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

const mode = (path: string) => (statSync(join(directory, path)).mode & 0o777).toString(8);

function withUmask(umask: string, program: string): void {
  const node = [process.execPath, "--input-type=module", "--eval", program];
  const run = spawnSync("sh", ["-c", `umask ${umask}; exec "$@"`, "sh", ...node], { cwd: directory, encoding: "utf8" });
  expect(run.stderr).toBe("");
}

test.each(["077", "027", "000"])("with umask %s", (umask) => {
  withUmask(
    umask,
    `import { putDirectory, putFile } from ${JSON.stringify(join(machines, "put-file.ts"))};
     await putDirectory("root", 0o755);
     await putDirectory("root/.ssh", 0o700);
     await putFile("root/resolv.conf", "nameserver 10.0.0.1");
     await putFile("root/resolv.conf", "nameserver 10.0.0.2");
     await putFile("root/.ssh/authorized_keys", "ssh-ed25519 x", 0o600);`,
  );
  expect(["root", "root/.ssh", "root/resolv.conf", "root/.ssh/authorized_keys"].map(mode)).toEqual(["755", "700", "644", "600"]);
  rmSync(join(directory, "root"), { recursive: true });
});

test("what the programs write that are started to make a node is for everybody to read, too", () => {
  withUmask(
    "077",
    `process.argv.push("nonsense");
     await import(${JSON.stringify(join(machines, "own-umask.ts"))});
     const { writeFileSync } = await import("node:fs");
     writeFileSync("made", "");`,
  );
  expect(mode("made")).toBe("644");
});
