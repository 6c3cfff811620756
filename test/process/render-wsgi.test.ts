import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";

const checkout = resolve(import.meta.dirname, "../..");
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "release-"));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

interface Answer {
  status: string | null;
  headers: [string, string][] | null;
  chunks: string[];
  /** An error that reached mod_wsgi. */
  raised: string | null;
  /** Whether mod_wsgi got its own file wrapper back. */
  file: boolean;
  errors: string;
}

interface Run {
  answers: Answer[];
  signals: string[];
  environ: Record<string, string>;
  path: string[];
}

interface Plan {
  /** The app's files; src/wsgi.py is the runner. */
  files: Record<string, string>;
  paths?: string[];
  site?: Record<string, string>;
  variables?: Record<string, string>;
  dataLimit?: number;
  validate?: boolean;
}

/** Lays a release out as the agent does and runs requests through the wrapper. */
function tryRun({ files, paths = [], site = {}, variables = {}, ...options }: Plan): {
  run?: Run;
  code: number | null;
  stderr: string;
} {
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(`app/${name}`, text);
  write(
    "conf/site.json",
    JSON.stringify({ site: "blog", release: "1.5.0-3fa2c1d0.c7b19e02", runner: "src/wsgi.py", object: "application", ...site }),
  );
  write("environ.json", JSON.stringify(variables));
  copyFileSync(join(checkout, "components/platforms/python/wsgi.py"), join(root, "conf/wsgi.py"));
  const {
    status: code,
    stdout,
    stderr,
  } = spawnSync("python3", ["-I", "-W", "error", join(checkout, "test/support/wsgi-harness.py")], {
    input: JSON.stringify({ root, paths, ...options }),
    encoding: "utf8",
    timeout: 20_000,
  });
  return code === 0 ? { run: JSON.parse(stdout) as Run, code, stderr } : { code, stderr };
}

function run(plan: Plan): Run {
  const { run: done, stderr } = tryRun(plan);
  if (done === undefined) throw new Error(stderr);
  return done;
}

const mark = ["X-Silver-Release", "blog 1.5.0-3fa2c1d0.c7b19e02"];
const simple =
  "def application(environ, start_response):\n    start_response('200 OK', [('Content-Type', 'text/plain')])\n    return [b'fine']\n";

/** An app of several answers: the body of a function for each path. */
function app(answers: Record<string, string>): { "src/wsgi.py": string } {
  const functions = Object.values(answers).map(
    (body, index) => `def answer${index}(environ, start_response):\n${body.replace(/^/gm, "    ")}\n`,
  );
  const table = Object.keys(answers).map((path, index) => `${JSON.stringify(path)}: answer${index}`);
  return {
    "src/wsgi.py": `PLAIN = [("Content-Type", "text/plain")]\n${functions.join("")}PAGES = {${table.join(", ")}}\n\ndef application(environ, start_response):\n    return PAGES[environ["PATH_INFO"]](environ, start_response)\n`,
  };
}

test("every answer of the app carries the site and the release, and no app can change them", () => {
  const files = app({
    "/": "start_response('200 OK', PLAIN)\nreturn [b'fine']",
    "/spoof": "start_response('404 Not Found', [('x-silver-release', 'other 1'), *PLAIN, ('X-Silver-Static', 'yes')])\nreturn []",
  });
  const [fine, spoof] = run({ files, paths: ["/", "/spoof"], validate: true }).answers;
  expect(fine).toMatchObject({ status: "200 OK", headers: [["Content-Type", "text/plain"], mark], chunks: ["fine"], errors: "" });
  expect(spoof).toMatchObject({ status: "404 Not Found", headers: [["Content-Type", "text/plain"], mark], chunks: [] });
});

test("what the app yields or writes is passed on at once, piece by piece, and its close() is called", () => {
  const files = app({
    "/yield":
      "start_response('200 OK', PLAIN)\ndef body():\n  try:\n    yield b'one'\n    yield b'two'\n  finally:\n    print('closed', file=environ['wsgi.errors'])\nreturn body()",
    "/late": "def body():\n  start_response('200 OK', PLAIN)\n  yield b'late'\nreturn body()",
    "/write": "write = start_response('200 OK', PLAIN)\nwrite(b'written')\nreturn [b'returned']",
    "/left":
      "start_response('200 OK', PLAIN)\nclass Body:\n  def __iter__(self): yield b'x'\n  def close(self): print('closed', file=environ['wsgi.errors'])\nreturn Body()",
  });
  const answers = run({ files, paths: ["/yield", "/late", "/write", "/left"], validate: true }).answers;
  expect(answers.map(({ chunks, raised, errors }) => [chunks, raised, errors])).toEqual([
    [["one", "two"], null, "closed\n"],
    [["late"], null, ""],
    [["written", "returned"], null, ""],
    [["x"], null, "closed\n"],
  ]);
  expect(answers.every(({ headers }) => headers?.some(([name]) => name === mark[0]))).toBe(true);
});

test("a file that mod_wsgi can send itself is passed to it unchanged", () => {
  const files = app({
    "/": "import io\nstart_response('200 OK', PLAIN)\nreturn environ['wsgi.file_wrapper'](io.BytesIO(b'file'))",
  });
  expect(run({ files, paths: ["/"] }).answers[0]).toMatchObject({ file: true, chunks: ["file"] });
});

test("an error before anything was sent is a marked 500, and its traceback is in the log", () => {
  const files = app({
    "/call": "raise ValueError('in the call')",
    "/started": "start_response('200 OK', PLAIN)\nraise ValueError('after start_response')",
    "/first":
      "start_response('200 OK', PLAIN)\ndef body():\n  raise ValueError('before the first piece')\n  yield b''\nreturn body()",
    "/iter": "start_response('200 OK', PLAIN)\nreturn None",
  });
  const answers = run({ files, paths: ["/call", "/started", "/first", "/iter"] }).answers;
  for (const { status, headers, chunks, raised, errors } of answers) {
    expect({ status, chunks, raised }).toEqual({
      status: "500 Internal Server Error",
      chunks: ["Internal Server Error\n"],
      raised: null,
    });
    expect(headers).toContainEqual(mark);
    expect(errors).toMatch(/^Traceback/);
  }
  expect(answers.map(({ errors }) => /ValueError: (.*)/.exec(errors)?.[1])).toEqual([
    "in the call",
    "after start_response",
    "before the first piece",
    undefined,
  ]);
});

test("an error after something was sent reaches mod_wsgi, which ends the answer", () => {
  const files = app({
    "/yield": "start_response('200 OK', PLAIN)\ndef body():\n  yield b'part'\n  raise ValueError('late')\nreturn body()",
    "/write": "start_response('200 OK', PLAIN)(b'part')\nraise ValueError('late')",
  });
  for (const answer of run({ files, paths: ["/yield", "/write"] }).answers) {
    expect(answer).toMatchObject({ status: "200 OK", chunks: ["part"], raised: "ValueError('late')" });
  }
});

test("an app that ends with sys.exit() does not count as failed", () => {
  const files = app({ "/": "raise SystemExit(3)" });
  expect(tryRun({ files, paths: ["/"] }).code).toBe(3);
});

test("a process that gets no memory answers with a marked 500 and ends", () => {
  const files = app({
    "/": "start_response('200 OK', PLAIN)\nreturn [bytearray(10 ** 11)]",
    "/fine": "start_response('200 OK', PLAIN)\nreturn [b'fine']",
  });
  const { answers, signals } = run({ files, paths: ["/fine", "/", "/fine"], dataLimit: 200 << 20 });
  expect(answers.map(({ status }) => status)).toEqual(["200 OK", "500 Internal Server Error", "200 OK"]);
  expect(signals).toEqual(["SIGTERM"]);
  expect(answers[1]?.errors).toMatch(/MemoryError[^]*silver: process \d+ could not get memory: replacing it\n$/);
});

test("a process near its limit asks once to be replaced, while it still answers", () => {
  const files = app({ "/": "BAG.append(bytearray(10 << 20))\nstart_response('200 OK', PLAIN)\nreturn [b'fine']" });
  files["src/wsgi.py"] = `BAG = []\n${files["src/wsgi.py"]}`;
  const { answers, signals } = run({ files, paths: Array.from({ length: 19 }, () => "/"), dataLimit: 230 << 20 });
  expect(answers.every(({ status }) => status === "200 OK")).toBe(true);
  expect(signals).toEqual([]);
  const more = run({ files, paths: Array.from({ length: 21 }, () => "/"), dataLimit: 230 << 20 });
  expect(more.answers.every(({ status }) => status === "200 OK")).toBe(true);
  expect(more.signals).toEqual(["SIGUSR1"]);
});

test("variables are in os.environ before any code of the app runs", () => {
  const files = {
    "lib/python/hook.pth": "import os; os.environ['AT_PTH'] = os.environ['GREETING']\n",
    "src/silvercustomize.py": "import os\nos.environ['AT_CUSTOMIZE'] = os.environ['GREETING']\n",
    "src/wsgi.py": `import os\nos.environ['AT_RUNNER'] = os.environ['AT_CUSTOMIZE']\n${simple}`,
  };
  const { environ } = run({ files, variables: { GREETING: 'é "quoted" \n $HOME' } });
  expect([environ.AT_PTH, environ.AT_CUSTOMIZE, environ.AT_RUNNER]).toEqual(Array(3).fill('é "quoted" \n $HOME'));
});

test("src/ is searched first, then lib/python and what its .pth files name, then the system", () => {
  const files = {
    "lib/python/vendored.pth": "packages\n/nonexistent\n",
    "lib/python/packages/json.py": "",
    "src/wsgi.py": simple,
  };
  const { path } = run({ files });
  const app = join(root, "app");
  expect(path.slice(0, 3)).toEqual([`${app}/src`, `${app}/lib/python`, `${app}/lib/python/packages`]);
});

test("an app without lib/python and silvercustomize.py runs; an error in silvercustomize.py stops it", () => {
  expect(run({ files: { "src/wsgi.py": simple }, paths: ["/"] }).answers[0]?.chunks).toEqual(["fine"]);
  const broken = { "src/wsgi.py": simple, "src/silvercustomize.py": "import nothing_of_this_name\n" };
  expect(tryRun({ files: broken }).stderr).toContain("No module named 'nothing_of_this_name'");
});

test("the runner is one module with what the app imports by its name", () => {
  const files = {
    "src/wsgi.py": `import other\nCOUNT = []\n${simple.replace("return [b'fine']", "return [str(other.ask() is COUNT).encode(), __name__.encode()]")}`,
    "src/other.py": "def ask():\n    import wsgi\n    return wsgi.COUNT\n",
  };
  expect(run({ files, paths: ["/"] }).answers[0]?.chunks).toEqual(["True", "wsgi"]);
});

test.each([
  ["below a package", "src/blog/main.py"],
  ["outside of src/", "run.py"],
  ["named as a module of Python's", "src/json.py"],
  ["with a name that no import knows", "src/my-app.py"],
])("a runner %s runs from its file", (_, runner) => {
  const files = { [runner]: simple.replace("b'fine'", "__name__.encode()") };
  expect(run({ files, paths: ["/"], site: { runner } }).answers[0]?.chunks).toEqual(["silver_runner"]);
});

test("a runner's object may have another name, and a missing one is reported by name", () => {
  const files = { "src/wsgi.py": simple.replace("application", "app") };
  expect(run({ files, paths: ["/"], site: { object: "app" } }).answers[0]?.chunks).toEqual(["fine"]);
  expect(tryRun({ files }).stderr).toContain("ImportError: src/wsgi.py does not define 'application', the WSGI application\n");
});

test("an error in the runner shows where it is", () => {
  const { stderr } = tryRun({ files: { "src/wsgi.py": "import json\n\ndef broken(:\n" } });
  expect(stderr).toContain(`File "${root}/app/src/wsgi.py", line 3`);
  expect(stderr).toContain("SyntaxError");
});
