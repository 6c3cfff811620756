// conf/check.py as it is rendered, run by this computer's Python in a release's directory.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderRelease } from "../../components/render/release.ts";
import { plannedSite } from "../support/plan-of.ts";

let root: string;

const app = {
  "lib/python/vendored.py": "NAME = 'vendored'\n",
  "src/silvercustomize.py": "import os\nos.environ['CUSTOM'] = 'yes'\n",
  "src/blog/__init__.py": "",
  "src/blog/config.py": `import os, vendored, library

class Checks:
    @staticmethod
    def tell(directory):
        print("told", directory, os.environ["GREETING"], os.environ["CUSTOM"], vendored.NAME, library.NAME)

def refuse(directory):
    raise ValueError(f"{directory} will not do")

def deny(directory):
    return False
`,
  "bin/beside.py": "WORD = 'beside'\n",
  "bin/check":
    "#!/usr/bin/env python3\nimport sys, beside, vendored\nprint(beside.WORD, vendored.NAME, sys.argv[1:], __name__)\nsys.exit(3)\n",
  "bin/check.py": "import blog.config\nprint('by its ending')\n",
  "bin/check.sh": '#!/bin/sh\necho "shell $# $1 $GREETING"\nexit 4\n',
};

/** Of its requirements.txt: what the app brings along goes before it. */
const wheels = {
  "wheels/vendored.py": "NAME = 'of a wheel'\n",
  "wheels/more/library.py": "NAME = 'library'\n",
  "wheels/more.pth": "more\n",
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "silver-check-"));
  const { files } = renderRelease(plannedSite("config: {checker: bin/check}\n"));
  const rendered = Object.fromEntries(files.map(({ path, content }) => [path, content]));
  const inApp = Object.fromEntries(Object.entries(app).map(([path, content]) => [`app/${path}`, content]));
  for (const [path, content] of Object.entries({ ...rendered, ...inApp, ...wheels })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  chmodSync(join(root, "app/bin/check"), 0o755);
  chmodSync(join(root, "app/bin/check.sh"), 0o755);
});

afterAll(() => {
  rmSync(root, { recursive: true });
});

/** What became of a checker: exit code, and all that was written. */
function check(checker: string, directory: string | null = "/config"): { status: number | null; said: string } {
  const named = directory === null ? {} : { SILVER_APP_CONFIG: directory };
  writeFileSync(join(root, "environ.json"), JSON.stringify({ GREETING: "hello", ...named }));
  const words = ["-P", "-B", join(root, "conf/check.py"), checker];
  const { status, stdout, stderr } = spawnSync("python3", words, { cwd: join(root, "app"), encoding: "utf8" });
  return { status, said: stdout + stderr };
}

test("a function is called with the directory, in the app's environment", () => {
  expect(check("blog.config:Checks.tell")).toEqual({ status: 0, said: "told /config hello yes vendored library\n" });
});

test("a site without a directory has nothing to call it with", () => {
  expect(check("blog.config:Checks.tell", null).said).toBe("told None hello yes vendored library\n");
  expect(check("bin/check", null).said).toBe("beside vendored [] __main__\n");
});

test.each([
  ["that raises", "blog.config:refuse", "ValueError: /config will not do"],
  ["that returns False", "blog.config:deny", "blog.config:deny returned False"],
  ["that is not there", "blog.config:missing", "module 'blog.config' has no attribute 'missing'"],
  ["of a module that is not there", "blog.nothing:check", "No module named 'blog.nothing'"],
])("a function %s refuses, and says why", (_, checker, words) => {
  const { status, said } = check(checker);
  expect(status, said).toBe(1);
  expect(said).toContain(words);
});

test("a script in Python has the app's libraries and its own neighbours, and its exit code counts", () => {
  expect(check("bin/check")).toEqual({ status: 3, said: "beside vendored ['/config'] __main__\n" });
  expect(check("bin/check.py")).toEqual({ status: 0, said: "by its ending\n" });
});

test("any other script is started as a program, with the values in its environment", () => {
  expect(check("bin/check.sh")).toEqual({ status: 4, said: "shell 1 /config hello\n" });
});
