import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { serveOnLoopback } from "../support/loopback-server.ts";
import { newcomer, type Newcomer } from "../support/newcomer.ts";

const folder = "resource-command-v1.2.1";
const chosen = (machine: Newcomer) => join(machine.checkout, ".silver/pulumi-home/plugins", folder, "pulumi-resource-command");

/** Where the real engine of this test run stands: it is what downloads plugins. */
const engineDirectory = dirname(execFileSync("sh", ["-c", "command -v pulumi"], { encoding: "utf8" }).trim());

/** Lets the scripts choose, with the real engine on PATH, and a vendor that nobody answers for. */
const choose = (machine: Newcomer, environment: Record<string, string> = {}) =>
  machine.run("step 'Command plugin' ensure_plugin", {
    PATH: `${machine.bin}:${engineDirectory}:${dirname(process.execPath)}:/usr/bin:/bin`,
    SILVER_PLUGIN_URL: "http://127.0.0.1:1",
    ...environment,
  });

test("the real plugin is used where it is installed", async () => {
  const machine = newcomer();
  const real = machine.install(join(machine.home, ".pulumi/plugins", folder), "pulumi-resource-command", "exit 0");
  const { output, code } = await choose(machine);
  expect(output).toBe(`✓ Command plugin 1.2.1 (the real one, ${real}) · cached\n`);
  expect(code).toBe(0);
  expect(readlinkSync(chosen(machine))).toBe(real);
});

test("the real plugin is downloaded where its server answers, once for all checkouts", async () => {
  const machine = newcomer();
  const real = machine.install(join(machine.home, "vendor"), "pulumi-resource-command", "echo the real one");
  const archive = execFileSync("tar", ["-cz", "-C", dirname(real), "pulumi-resource-command"]);
  const vendor = await serveOnLoopback((_, response) => response.end(archive));
  const environment = { SILVER_PLUGIN_URL: vendor.url };

  const first = await choose(machine, environment);
  expect(first.output).toMatch(/✓ Command plugin 1\.2\.1 \(the real one, downloaded\) · \d+ s\n/);
  expect(execFileSync(chosen(machine), { encoding: "utf8" })).toBe("the real one\n");

  const second = await choose(machine, environment);
  expect(second.output).toBe("✓ Command plugin 1.2.1 (the real one) · cached\n");
  expect(vendor.paths).toEqual([expect.stringMatching(/^\/pulumi-resource-command-v1\.2\.1-linux-(amd64|arm64)\.tar\.gz$/)]);
});

test("our stand-in is used where the real plugin can't be downloaded, which is tried once a checkout", async () => {
  const machine = newcomer();
  const vendor = await serveOnLoopback((_, response) => response.writeHead(404).end());
  const environment = { SILVER_PLUGIN_URL: vendor.url };
  const first = await choose(machine, environment);
  expect(first.output).toMatch(/the real command plugin could not be downloaded: .*404/);
  expect(first.output).toContain("✓ Command plugin 1.2.1 (our stand-in: the real one can't be downloaded here)");
  const second = await choose(machine, environment);
  expect(second.output).toBe("✓ Command plugin 1.2.1 (our stand-in: the real one can't be downloaded here) · cached\n");
  expect(vendor.paths).toHaveLength(1);
  expect(existsSync(join(machine.cache, "command-plugin-1.2.1"))).toBe(false);
});

test("a server that does not answer holds nobody up", async () => {
  const machine = newcomer();
  const vendor = await serveOnLoopback(() => undefined);
  const { output, code } = await choose(machine, { SILVER_PLUGIN_URL: vendor.url, SILVER_REACH_SECONDS: "1" });
  expect(output).toContain("our stand-in");
  expect(code).toBe(0);
});

test("the stand-in runs our program with Node, from a checkout whose name has blanks and quotes", async () => {
  const machine = newcomer();
  await choose(machine);
  mkdirSync(join(machine.checkout, "tools/command-plugin"), { recursive: true });
  execFileSync("sh", ["-c", 'echo "console.log(process.argv[2])" >"$0"', join(machine.checkout, "tools/command-plugin/main.ts")]);
  expect(execFileSync(chosen(machine), ["127.0.0.1:1234"], { encoding: "utf8" })).toBe("127.0.0.1:1234\n");
});

test("SILVER_COMMAND_PLUGIN forces a plugin, and the choice is free again without it", async () => {
  const machine = newcomer();
  const forced = machine.install(join(machine.home, "mine"), "plugin", "exit 0");
  const { output } = await choose(machine, { SILVER_COMMAND_PLUGIN: forced });
  expect(output).toBe(`✓ Command plugin 1.2.1 (${forced}, by SILVER_COMMAND_PLUGIN) · cached\n`);
  expect(readlinkSync(chosen(machine))).toBe(forced);
  await choose(machine);
  expect(readFileSync(chosen(machine), "utf8")).toContain("command-plugin/main.ts");
});

test("SILVER_COMMAND_PLUGIN that names no program is refused", async () => {
  const { output, code } = await choose(newcomer(), { SILVER_COMMAND_PLUGIN: "/nowhere/plugin" });
  expect(output).toBe("✗ SILVER_COMMAND_PLUGIN names /nowhere/plugin, which is not an executable file.\n");
  expect(code).toBe(1);
});
