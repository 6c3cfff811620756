import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { parseRequirements } from "../../components/bundle/requirements.ts";
import type { PythonTarget } from "../../components/systems/python-target.ts";
import { cacheDirectory } from "../../components/rollout/cache.ts";
import { ensureUv } from "../../components/rollout/uv.ts";
import { wheelSets } from "../../components/rollout/wheels.ts";
import { aRollout } from "../support/rollout-fixture.ts";
import { writeWheel } from "../support/wheel-index.ts";

// The real uv, and an index that is a directory: only uv itself is asked of the package index, once on this machine.
const work = mkdtempSync(join(tmpdir(), "wheel-sets-"));
const index = join(work, "index");
const app = { directory: join(work, "app"), digest: "", listing: "", paths: [] };
const signal = new AbortController().signal;
let cache: string;
let said: string[];

const debian12: PythonTarget = { python: "3.11.2", platform: "x86_64-manylinux_2_36" };
const debian13: PythonTarget = { python: "3.13.5", platform: "x86_64-manylinux_2_40" };

mkdirSync(index);
mkdirSync(app.directory);
const pure = writeWheel(index, { name: "pure", version: "1.0", files: { "pure-1.0.data/scripts/pure": "#!python\n" } });
const old = writeWheel(index, { name: "backport", version: "2.0" });
const early = writeWheel(index, { name: "compiled", version: "3.0", tag: "cp311-cp311-manylinux_2_17_x86_64" });
const late = writeWheel(index, { name: "compiled", version: "3.0", tag: "cp313-cp313-manylinux_2_40_x86_64" });
const narrow = writeWheel(index, { name: "narrow", version: "4.0", tag: "cp313-cp313-manylinux_2_40_x86_64" });
const needy = writeWheel(index, { name: "needy", version: "5.0", metadata: ["Requires-Dist: pure>=1"] });

beforeEach(async () => {
  cache = mkdtempSync(join(work, "cache-"));
  said = [];
  await ensureUv(cacheDirectory(), signal);
  for (const name of readdirSync(cacheDirectory()).filter((each) => each.startsWith("uv-"))) {
    cpSync(join(cacheDirectory(), name), join(cache, name), { recursive: true });
  }
  vi.stubEnv("UV_FIND_LINKS", index);
  vi.stubEnv("UV_OFFLINE", "1");
  vi.stubEnv("UV_CACHE_DIR", join(work, "uv"));
});
afterEach(() => {
  vi.unstubAllEnvs();
});
afterAll(() => {
  rmSync(work, { recursive: true });
});

const line = (wanted: string, ...hashes: string[]) => [wanted, ...hashes.map((hash) => `--hash=sha256:${hash}`)].join(" ") + "\n";

function make(text: string, targets: Record<string, PythonTarget> = { web1: debian12 }, aborted = signal) {
  writeFileSync(join(app.directory, "requirements.txt"), text);
  const { value } = parseRequirements(text, "requirements.txt");
  if (value === undefined) throw new Error("not a good requirements.txt");
  const rollout = aRollout(Object.keys(targets));
  const libraries = { requirements: value.digest, targets: Object.values(targets) };
  const release = { ...rollout.release, libraries };
  return wheelSets({ ...rollout, release, wheels: targets }, app, { cache, signal: aborted, say: (text) => said.push(text) });
}

test("nodes of two systems get what fits each of them; markers ask the node's Python, not this one's", async () => {
  const marked = line('backport==2.0 ; python_version < "3.12"', old);
  const { sets, failures } = await make(line("pure==1.0", pure) + marked + line("compiled==3.0", early, late), {
    web1: debian12,
    web2: debian13,
    web3: debian12,
  });
  expect(failures).toEqual([]);
  const names = (node: string) => sets.get(node)?.paths.filter((path) => !path.includes("/"));
  expect(names("web1")).toEqual(["backport.py", "compiled.py", "pure.py"]);
  expect(names("web2")).toEqual(["compiled.py", "pure.py"]);
  expect(sets.get("web3")).toBe(sets.get("web1"));
  const tag = (node: string) => readFileSync(join(sets.get(node)?.directory ?? "", "compiled.py"), "utf8");
  expect([tag("web1"), tag("web2")]).toEqual([
    'tag = "cp311-cp311-manylinux_2_17_x86_64"\n',
    'tag = "cp313-cp313-manylinux_2_40_x86_64"\n',
  ]);
  expect(said).toHaveLength(2);
});

test("a set is made once; one that was altered is noticed and made again, two at once are one", async () => {
  const text = line("pure==1.0", pure);
  const [first, second] = await Promise.all([make(text), make(text)]);
  expect(second.sets).toEqual(first.sets);
  const { directory = "", digest } = first.sets.get("web1") ?? {};
  said = [];
  expect((await make(`# another comment\n${text}`)).sets).toEqual(first.sets);
  expect(said).toEqual([]);
  appendFileSync(join(directory, "pure.py"), "evil = True\n");
  const [third, fourth] = await Promise.all([make(text), make(text)]);
  expect([third.sets.get("web1")?.digest, fourth.sets.get("web1")?.digest]).toEqual([digest, digest]);
  expect(readFileSync(join(directory, "pure.py"), "utf8")).toBe('tag = "py3-none-any"\n');
  expect(said.length).toBeGreaterThan(0);
  expect(readdirSync(join(cache, "wheels"))).toHaveLength(1);
  expect(existsSync(join(directory, "bin"))).toBe(false);
});

test("what a rollout that was stopped began is not left behind", async () => {
  const { failures } = await make(line("pure==1.0", pure), undefined, AbortSignal.abort("told to"));
  expect(failures).toMatchObject([{ step: "libraries", code: "stopped" }]);
  expect(readdirSync(join(cache, "wheels"))).toEqual([]);
});

test("requirements that are others than those planned are refused", async () => {
  const making = make(line("pure==1.0", pure));
  await making;
  writeFileSync(join(app.directory, "requirements.txt"), line("pure==1.0", old));
  const rollout = aRollout(["web1"]);
  const libraries = { requirements: "0".repeat(64), targets: [debian12] };
  const changed = { ...rollout, release: { ...rollout.release, libraries }, wheels: { web1: debian12 } };
  const { failures } = await wheelSets(changed, app, { cache, signal, say: () => undefined });
  expect(failures).toMatchObject([{ code: "changed", message: "apps/hello/requirements.txt changed since the plan" }]);
});

test.each([
  [
    "without a wheel for a node",
    line("narrow==4.0", narrow),
    "narrow 4.0 has no wheel for Python 3.11.2 on x86_64-manylinux_2_36 (web1), which apps/hello/requirements.txt asks for",
  ],
  [
    "that is another file",
    line("pure==1.0", "0".repeat(64)),
    "the file of pure==1.0 that the package index has for Python 3.11.2 on x86_64-manylinux_2_36 (web1) matches no hash in apps/hello/requirements.txt",
  ],
  [
    "that another needs and the file lacks",
    line("needy==5.0", needy),
    "pure is needed by a library of apps/hello/requirements.txt for Python 3.11.2 on x86_64-manylinux_2_36 (web1), and is not in it",
  ],
])("a library %s is told by name", async (_, text, message) => {
  const { sets, failures } = await make(text);
  expect(failures).toMatchObject([{ step: "libraries", code: "library", message }]);
  expect(sets.size).toBe(0);
});

test("an index that does not answer is said, and its address and password are not", async () => {
  vi.stubEnv("UV_OFFLINE", undefined);
  vi.stubEnv("UV_FIND_LINKS", undefined);
  vi.stubEnv("UV_HTTP_RETRIES", "0");
  vi.stubEnv("UV_DEFAULT_INDEX", "http://anna:sesame@127.0.0.1:9/simple");
  const { failures } = await make(line("pure==1.0", pure));
  expect(failures).toMatchObject([
    {
      code: "library",
      message: "could not get the libraries of apps/hello/requirements.txt from the package index: connection refused",
    },
  ]);
  expect(JSON.stringify(failures)).not.toMatch(/anna|sesame|127\.0\.0\.1/);
});
