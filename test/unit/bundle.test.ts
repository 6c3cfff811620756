import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { bundleListing, listingDigest } from "../../components/bundle/listing.ts";
import { packBundle } from "../../components/bundle/pack.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bundle-"));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(files: Record<string, string>, under = "apps/blog"): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, under, name)), { recursive: true });
    writeFileSync(join(root, under, name), text);
  }
}

const pack = (version?: string) => packBundle(root, "apps/blog", version);
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const codes = () => pack().issues.map(({ code, place }) => `${code} ${place.file}`);

test("the listing names each file by path, execute bit and hash, each link by target, sorted by the bytes of the paths", () => {
  write({ "src/wsgi.py": "application = None\n", "bin/run": "#!/bin/sh\n", "é.txt": "", "a.txt": "", "a/b": "", Z: "" });
  chmodSync(join(root, "apps/blog/bin/run"), 0o755);
  symlinkSync("../src/wsgi.py", join(root, "apps/blog/bin/wsgi"));
  const bundle = pack("1.5.0").value;
  const empty = sha256("");
  const lines = bundleListing(bundle ?? { entries: [] }).split("\n");
  expect(lines).toEqual([
    `["Z","file",false,"${empty}"]`,
    `["a.txt","file",false,"${empty}"]`,
    `["a/b","file",false,"${empty}"]`,
    `["bin/run","file",true,"${sha256("#!/bin/sh\n")}"]`,
    '["bin/wsgi","link","../src/wsgi.py"]',
    `["src/wsgi.py","file",false,"${sha256("application = None\n")}"]`,
    `["é.txt","file",false,"${empty}"]`,
    "",
  ]);
  expect(bundle?.digest).toBe(listingDigest(lines.join("\n")));
  expect(bundle?.id).toBe(`1.5.0-${bundle?.digest.slice(0, 8)}`);
  expect(pack().value?.id).toBe(bundle?.digest.slice(0, 8));
});

test("a known directory has the digest it had before: ids stay when the tool changes", () => {
  write({ "app.yaml": "name: blog\n", "src/wsgi.py": "def application(environ, start_response): ...\n" });
  symlinkSync("wsgi.py", join(root, "apps/blog/src/main.py"));
  expect(pack().value?.digest).toBe("801d3d57369f2054fc13405bdfd9bd658e26183b3c1c02ae12cf7a17ba21de73");
});

test("the id follows names and bytes alone: not the clone's path, mtimes, modes but the owner's x, or the order files came in", () => {
  const files = Object.fromEntries(
    Array.from({ length: 30 }, (_, index) => [`src/d${index % 3}/f${(index * 7) % 30}.py`, `x = ${index}\n`]),
  );
  write(files);
  const before = pack().value;
  const elsewhere = join(root, "else where/much deeper/clone");
  mkdirSync(elsewhere, { recursive: true });
  for (const [name, text] of Object.entries(files).reverse()) {
    const file = join(elsewhere, "apps/blog", name);
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(file, text, { mode: 0o600 });
    utimesSync(file, 1, 1);
  }
  expect(packBundle(elsewhere, "apps/blog").value).toEqual(before);
});

test("one changed byte, name, x bit or link target is another id", () => {
  write({ "a.py": "x = 1\n", "b.py": "x = 1\n" });
  symlinkSync("a.py", join(root, "apps/blog/link"));
  const seen = new Set([pack().value?.id]);
  const next = () => {
    const { value } = pack();
    const isNew = !seen.has(value?.id);
    seen.add(value?.id);
    return isNew;
  };
  write({ "a.py": "x = 2\n" });
  expect(next()).toBe(true);
  chmodSync(join(root, "apps/blog/a.py"), 0o755);
  expect(next()).toBe(true);
  cpSync(join(root, "apps/blog/b.py"), join(root, "apps/blog/c.py"));
  rmSync(join(root, "apps/blog/b.py"));
  expect(next()).toBe(true);
  rmSync(join(root, "apps/blog/link"));
  symlinkSync("c.py", join(root, "apps/blog/link"));
  expect(next()).toBe(true);
});

test("what tools and editors leave behind, and empty directories, are not part of it", () => {
  write({ "src/wsgi.py": "" });
  const before = pack().value;
  write({
    ".git/config": "",
    "src/__pycache__/wsgi.cpython-311.pyc": "",
    "old.pyc": "",
    "src/wsgi.py~": "",
    "src/.wsgi.py.swp": "",
    "#wsgi.py#": "",
    ".#wsgi.py": "",
    ".DS_Store": "",
    ".idea/x.xml": "",
    ".pytest_cache/v": "",
  });
  mkdirSync(join(root, "apps/blog/empty/deeper"), { recursive: true });
  expect(pack().value).toEqual(before);
  write({ ".htaccess": "", ".well-known/security.txt": "", "git/config": "", "src/.env.example": "" });
  expect(pack().value?.entries).toHaveLength(5);
});

test("a virtual environment of Python in the app is not part of it, made with links or with copies", () => {
  write({ "src/wsgi.py": "" });
  const before = pack().value?.id;
  write({ ".venv/pyvenv.cfg": "home = /usr/bin\n", ".venv/bin/pip": "#!/x\n", "tools/env/pyvenv.cfg": "" });
  symlinkSync("/usr/bin/python3", join(root, "apps/blog/.venv/bin/python"));
  expect(pack()).toMatchObject({ issues: [], value: { id: before } });
});

test("an app that is a virtual environment itself is refused as that, once", () => {
  write({ "src/wsgi.py": "", "pyvenv.cfg": "", "bin/pip": "" });
  symlinkSync("/usr/bin/python3", join(root, "apps/blog/bin/python"));
  expect(pack().issues).toEqual([
    expect.objectContaining({
      code: "special-file",
      place: { file: "apps/blog" },
      message: "the app itself is a virtual environment of Python (pyvenv.cfg)",
    }),
  ]);
});

test("links of node_modules that lead nowhere are one issue, which says what to ship instead", () => {
  write({ "src/wsgi.py": "", "ui/node_modules/.bin/.keep": "" });
  symlinkSync("../vite/bin/vite.js", join(root, "apps/blog/ui/node_modules/.bin/vite"));
  symlinkSync("../tsc/bin/tsc", join(root, "apps/blog/ui/node_modules/.bin/tsc"));
  expect(pack().issues).toEqual([
    expect.objectContaining({
      place: { file: "apps/blog/ui/node_modules" },
      message: "it has links that lead nowhere, such as ui/node_modules/.bin/tsc",
      fix: "ship what its build makes, not node_modules; or run npm ci there again",
    }),
  ]);
});

test("a file of more than 2 GB is refused by its size", () => {
  write({ "src/wsgi.py": "", "data/dump.sql": "" });
  truncateSync(join(root, "apps/blog/data/dump.sql"), 3 * 2 ** 30);
  expect(pack().issues).toEqual([
    expect.objectContaining({
      code: "too-large",
      place: { file: "apps/blog/data/dump.sql" },
      message: "the file has 3.0 GB; the most is 2 GB, since each release carries it",
    }),
  ]);
});

test("an app that is not there, or is a file, is refused", () => {
  expect(codes()).toEqual(["missing-file apps/blog"]);
  write({ blog: "" }, "apps");
  expect(codes()).toEqual(["missing-file apps/blog"]);
});

test.each([
  ["/etc/passwd", "leads-out"],
  ["../../other/secret", "leads-out"],
  ["../blog/a.py", "leads-out"],
  ["deep/er/top/../blog/a.py", "leads-out"],
  ["nothing", "dangling-link"],
  ["a.py/../a.py", "dangling-link"],
  ["link", "dangling-link"],
  [".git/config", "leads-out"],
])("a link to %s is refused as %s", (target, code) => {
  write({ "a.py": "", "deep/er/x": "", ".git/config": "" });
  write({ secret: "" }, "other");
  symlinkSync("../..", join(root, "apps/blog/deep/er/top"));
  symlinkSync(target, join(root, "apps/blog/link"));
  expect(codes()).toEqual([`${code} apps/blog/link`]);
});

test.each(["a.py", "./deep//er/../../a.py", "deep", "deep/er/top/a.py", "deep/er/top/deep/er/x"])(
  "a link to %s is shipped as it is",
  (target) => {
    write({ "a.py": "", "deep/er/x": "" });
    symlinkSync("../..", join(root, "apps/blog/deep/er/top"));
    symlinkSync(target, join(root, "apps/blog/link"));
    expect(pack().value?.entries).toContainEqual({ path: "link", type: "link", target });
  },
);

test("names that can't travel are refused, and printed without their control characters", () => {
  write({ "new\nline": "", "\u001b[31mred": "", "fine name": "", "of\u2028unicode": "", "of\u0085c1": "" });
  writeFileSync(Buffer.concat([Buffer.from(join(root, "apps/blog/latin-")), Buffer.from([0xe9])]), "");
  expect(codes().sort()).toEqual([
    "file-name apps/blog/\\u001b[31mred",
    "file-name apps/blog/latin-\ufffd",
    "file-name apps/blog/new\\nline",
    "file-name apps/blog/of\\u0085c1",
    "file-name apps/blog/of\\u2028unicode",
  ]);
});

test("names that another machine takes for one are refused, in directories too", () => {
  write({ Makefile: "", makefile: "", "Doc/a": "", "doc/b": "", "cafe\u0301": "", "caf\u00e9": "" });
  expect(
    pack().issues.map(({ code, message }) => [
      code,
      message
        .replace(/ are the same name.*/, "")
        .split(" and ")
        .sort(),
    ]),
  ).toEqual([
    ["file-name", ['"cafe\u0301"', '"caf\u00e9"']],
    ["file-name", ['"Doc"', '"doc"']],
    ["file-name", ['"Makefile"', '"makefile"']],
  ]);
});

test("whatever the names: the same files in another order are the same bundle, sorted by bytes", () => {
  const name = fc
    .string({ unit: "grapheme", minLength: 1, maxLength: 8 })
    .filter((text) => !/[/\0]/.test(text) && text !== "." && text !== ".." && text.isWellFormed());
  fc.assert(
    fc.property(fc.uniqueArray(name, { maxLength: 6, selector: (text) => text.normalize("NFC").toLowerCase() }), (names) => {
      rmSync(join(root, "apps"), { recursive: true, force: true });
      mkdirSync(join(root, "apps/blog"), { recursive: true });
      write(Object.fromEntries(names.map((text) => [text, text])));
      const one = pack();
      rmSync(join(root, "apps"), { recursive: true });
      mkdirSync(join(root, "apps/blog"), { recursive: true });
      write(Object.fromEntries([...names].reverse().map((text) => [text, text])));
      expect(pack().value).toEqual(one.value);
      const paths = one.value?.entries.map((entry) => Buffer.from(entry.path)) ?? [];
      expect([...paths].sort((a, b) => a.compare(b))).toEqual(paths);
    }),
    { numRuns: 60 },
  );
});
