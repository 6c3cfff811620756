import { spawn } from "node:child_process";
import { appendFile, cp, mkdtemp, readFile, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import type { Clone } from "../../components/machines/clone.ts";
import { imageName, imageRecipe } from "../../components/machines/image-recipe.ts";
import { ensureImage, imagesDirectory } from "../../components/machines/image.ts";
import { removeAllNodes } from "../../components/machines/local-machine.ts";
import type { Machine } from "../../components/machines/machine.ts";
import { filesOf } from "../../components/machines/node-disk.ts";
import { mustRun, runCommand } from "../../components/machines/run-command.ts";
import { sshCommand } from "../../components/machines/ssh-command.ts";
import { poll } from "../support/nodes.ts";
import { otherOs, testOs } from "../support/systems.ts";

/** A checkout of its own, so that it is a clone of its own. */
let checkout: string;
let clone: Clone;

beforeAll(async () => {
  checkout = await realpath(await mkdtemp(join(tmpdir(), "silver it's a checkout-")));
  await cp(resolve("components"), join(checkout, "components"), { recursive: true });
  await writeFile(join(checkout, "package.json"), '{"type":"module"}');
  await symlink(resolve("node_modules"), join(checkout, "node_modules"));
  clone = cloneOf(checkout);
});

afterAll(async () => {
  await removeAllNodes(clone, () => undefined);
  await rm(checkout, { recursive: true });
});

interface Running {
  stdout: string;
  stderr: string;
  kill: () => void;
  ended: Promise<number | null>;
  /** Waits until stderr has a text. */
  says: (text: string) => Promise<void>;
}

/** Starts `main.ts` of that checkout in a session of its own. */
function start(words: string[], environment: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [join(checkout, "components/machines/main.ts"), ...words], {
    cwd: "/",
    detached: true,
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const running: Running = {
    stdout: "",
    stderr: "",
    kill: () => process.kill(-(child.pid ?? 0), "SIGKILL"),
    ended: new Promise((done) => child.once("close", done)),
    says: (text) =>
      new Promise((done, failed) => {
        child.stderr.on("data", () => {
          if (running.stderr.includes(text)) done();
        });
        child.once("close", () => {
          failed(new Error(`it never said "${text}":\n${running.stderr}`));
        });
      }),
  };
  child.stdout.setEncoding("utf8").on("data", (text: string) => (running.stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (running.stderr += text));
  return running;
}

/** Runs `main.ts` to its end. */
async function run(...words: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const running = start(words);
  const code = await running.ended;
  return { code, stdout: running.stdout, stderr: running.stderr };
}

const uptime = ({ name, address, port }: Machine) => {
  const knownHosts = filesOf(clone, name).knownHosts;
  return runCommand(sshCommand({ address, port, user: "root", knownHosts, keyFile: clone.keyFile }, "uptime"));
};

test("a node outlives the command that made it, which prints its record and nothing else", async () => {
  const { code, stdout } = await run("ensure", "web1", "--os", testOs);
  expect(code).toBe(0);
  const machine = JSON.parse(stdout) as Machine;
  expect(machine).toMatchObject({ name: "web1", port: 22, os: testOs });
  expect((await uptime(machine)).code).toBe(0);
  expect(JSON.parse((await run("list")).stdout)).toEqual([{ ...machine, running: true }]);
});

test("the system of a node may come from the environment, as a Pulumi command gives it", async () => {
  const running = start(["ensure", "web1"], { os: otherOs });
  expect(await running.ended).toBe(1);
  expect(running.stderr).toBe(
    `✗ node web1 exists and runs ${testOs}, not ${otherOs}\n` +
      "  remove it first (its disk goes with it): node components/machines/main.ts remove web1\n",
  );
});

test("start starts every stopped node", async () => {
  await run("stop", "web1");
  expect(await run("start")).toMatchObject({ code: 0, stdout: "" });
  expect((JSON.parse((await run("list")).stdout) as { running: boolean }[]).map(({ running }) => running)).toEqual([true]);
});

test("a command killed while it makes a node leaves nothing that breaks the next one", async () => {
  const killed = start(["ensure", "web2", "--os", testOs]);
  await killed.says("making web2");
  killed.kill();
  await killed.ended;
  const { code, stderr } = await run("ensure", "web2", "--os", testOs);
  expect(stderr).toContain("making web2");
  expect(code).toBe(0);
});

test("down removes every node, and what a killed command left", async () => {
  const killed = start(["ensure", "web3", "--os", testOs]);
  await killed.says("making web3");
  killed.kill();
  await killed.ended;
  expect(await run("down")).toMatchObject({ code: 0, stdout: "" });
  expect(await runCommand(["find", clone.nodesDirectory])).toMatchObject({ stdout: "" });
  expect(await mustRun("mounts", ["cat", "/proc/self/mounts"])).not.toContain(clone.id);
  expect(await mustRun("interfaces", ["ip", "link"])).not.toContain(clone.id);
});

test("unknown arguments print its usage", async () => {
  for (const words of [["frobnicate"], ["ensure"], ["list", "web1"], ["ensure", "web1", "--speed", "9"], []]) {
    const { code, stderr } = await run(...words);
    expect(code).toBe(1);
    expect(stderr).toContain("usage: node components/machines/main.ts <verb> [node]");
    expect(stderr).not.toContain("    at ");
  }
});

test("an image that is not as it was built is built again; a build that was killed leaves no process and no mount", async () => {
  const architecture = (await mustRun("architecture", ["dpkg", "--print-architecture"])).trim();
  const archive = `${imageName(imageRecipe(testOs, architecture), architecture)}.tar`;
  await ensureImage(testOs, [], () => undefined);
  const images = join(checkout, "cache/silverlining/images");
  for (const name of [archive, `${archive}.sha256`]) await cp(join(imagesDirectory(), name), join(images, name));
  const damaged = join(images, archive);
  await appendFile(damaged, "x");
  const image = () => start(["image", "--os", testOs], { XDG_CACHE_HOME: join(checkout, "cache") });
  const killed = image();
  await killed.says("installing remaining packages");
  killed.kill();
  await killed.ended;
  await poll("its processes are gone", 20, async () => !(await mustRun("processes", ["ps", "-eo", "args"])).includes(images));
  expect(await readFile("/proc/self/mounts", "utf8")).not.toContain("cache/silverlining/images");
  const running = image();
  expect(await running.ended).toBe(0);
  expect(running.stderr).toContain(`${damaged} changed since it was built: building it again`);
  expect(running.stderr).toMatch(new RegExp(`✓ Node image ${testOs} · \\d+ s\n$`));
  expect(await mustRun("digest", ["sha256sum", damaged])).toContain(await readFile(`${damaged}.sha256`, "utf8"));
  expect((await readdir(images)).filter((name) => name.endsWith(".building"))).toEqual([]);
});
