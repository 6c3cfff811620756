// Which system `npm run up` gives to new nodes of stack dev, and that stacks/dev.yaml always declares it.
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { cloneOf } from "../../components/machines/clone.ts";
import { withSystem } from "../../scripts/dev-system.ts";

const checkout = resolve(import.meta.dirname, "../..");
const declared = "# mine\nnodes:\n  web1: { local: true, os: ubuntu-24.04, roles: [web] } # and mine\nsites: {}\n";
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silver-system-"));
  for (const name of ["components", "scripts", "package.json"])
    cpSync(join(checkout, name), join(root, name), { recursive: true });
  symlinkSync(join(checkout, "node_modules"), join(root, "node_modules"));
  mkdirSync(join(root, "stacks"));
  writeFileSync(join(root, "stacks/dev.yaml"), declared);
  // Nobody listens on port 1: every archive is out of reach at once.
  writeFileSync(join(root, "apt.conf"), 'Acquire::http::Proxy "http://127.0.0.1:1"; Acquire::Retries "0";\n');
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true });
});

/** What `npm run up` does before `pulumi up`, without any archive and with an empty cache. */
function localNodes(environment: Record<string, string> = {}): string {
  const { stdout, stderr } = spawnSync(process.execPath, ["scripts/local-nodes.ts"], {
    cwd: root,
    env: { ...process.env, APT_CONFIG: join(root, "apt.conf"), XDG_CACHE_HOME: root, XDG_STATE_HOME: root, ...environment },
    encoding: "utf8",
  });
  return stdout + stderr;
}

const environment = () => readFileSync(join(root, "stacks/dev.yaml"), "utf8");

test("when Ubuntu's archive can't be reached, the environment declares Debian 12 from then on, and says so", () => {
  const output = localNodes();
  expect(output).toMatch(
    /^! stacks\/dev\.yaml now declares os: debian-12 for web1, not ubuntu-24\.04 \(.*archive\.ubuntu\.com.*\)$/m,
  );
  expect(environment()).toBe(declared.replace("ubuntu-24.04", "debian-12"));
  expect(output).toContain("✗ no debian-12 node can be built here");
});

test("SILVER_OS is declared as if a person had written it", () => {
  expect(localNodes({ SILVER_OS: "ubuntu-26.04" })).toContain(
    "! stacks/dev.yaml now declares os: ubuntu-26.04 for web1, not ubuntu-24.04 (SILVER_OS)\n",
  );
  expect(environment()).toBe(declared.replace("ubuntu-24.04", "ubuntu-26.04"));
});

test("SILVER_OS that names no system changes nothing", () => {
  expect(localNodes({ SILVER_OS: "plan9" })).toBe(
    '✗ SILVER_OS is "plan9", which is not a known system\n  choose one of ubuntu-24.04, ubuntu-26.04, debian-12, debian-13\n',
  );
  expect(environment()).toBe(declared);
});

test("SILVER_OS does not replace an existing node", () => {
  vi.stubEnv("XDG_STATE_HOME", root);
  const directory = join(cloneOf(root).nodesDirectory, "web1");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "node.json"), JSON.stringify({ name: "web1", os: "ubuntu-24.04" }));
  expect(localNodes({ SILVER_OS: "debian-12" })).toBe(
    "✗ SILVER_OS is debian-12, and node web1 runs ubuntu-24.04\n  npm run down removes it, with its data\n",
  );
  expect(environment()).toBe(declared);
});

test.each([
  ['nodes: {web1: {local: true, os: "ubuntu-24.04"}}\n', "nodes: {web1: {local: true, os: debian-12}}\n"],
  [
    "nodes:\n  web1:\n    os: ubuntu-24.04 # why\n    local: true\n",
    "nodes:\n  web1:\n    os: debian-12 # why\n    local: true\n",
  ],
])("in %j nothing but the system changes", (text, changed) => {
  expect(withSystem(text, "web1", "debian-12")).toBe(changed);
});
