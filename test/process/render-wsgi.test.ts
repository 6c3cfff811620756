import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { poll } from "../support/nodes.ts";

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
  site?: Record<string, string | number>;
  variables?: Record<string, string>;
  dataLimit?: number;
  validate?: boolean;
}

/** Lays a release out as the agent does. */
function layOut({ files, site = {}, variables = {} }: Plan): void {
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  };
  for (const [name, text] of Object.entries(files)) write(`app/${name}`, text);
  const runs = { runner: "src/wsgi.py", object: "application", processes: 1, requests: 5000 };
  write("conf/site.json", JSON.stringify({ site: "blog", release: "1.5.0-3fa2c1d0.c7b19e02", ...runs, ...site }));
  write("environ.json", JSON.stringify(variables));
  cpSync(join(checkout, "components/platforms/python"), join(root, "conf"), { recursive: true });
}

const words = ["-I", "-W", "error", join(checkout, "test/support/wsgi-harness.py")];
/** systemd tells it to the release's unit. */
const env = () => ({ ...process.env, RUNTIME_DIRECTORY: root });
const told = ({ paths = [], dataLimit, validate }: Plan) => JSON.stringify({ root, paths, dataLimit, validate });

/** Runs requests through the wrapper, in one process. */
function tryRun(plan: Plan): { run?: Run; code: number | null; stderr: string } {
  layOut(plan);
  const options = { input: told(plan), encoding: "utf8", timeout: 20_000, env: env() } as const;
  const { status: code, stdout, stderr } = spawnSync("python3", words, options);
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
    "/spoof":
      "start_response('404 Not Found', [('x-silver-release', 'other 1'), *PLAIN, ('X-Silver-Static', 'yes'), ('Connection', 'keep-alive')])\nreturn []",
  });
  const [fine, spoof] = run({ files, paths: ["/", "/spoof"], validate: true }).answers;
  const plain = (length: string) => [["Content-Type", "text/plain"], mark, ["Content-Length", length]];
  expect(fine).toMatchObject({ status: "200 OK", headers: plain("4"), chunks: ["fine"], errors: "" });
  expect(spoof).toMatchObject({ status: "404 Not Found", headers: plain("0"), chunks: [] });
});

/** Pieces of a body as they go out where its length is not known. */
const framed = (...pieces: string[]): string[] => pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
/** Ends such a body. */
const end = "0\r\n\r\n";

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
    [[...framed("one", "two"), end], null, "closed\n"],
    [[...framed("late"), end], null, ""],
    [[...framed("written", "returned"), end], null, ""],
    [[...framed("x"), end], null, "closed\n"],
  ]);
  expect(answers.every(({ headers }) => headers?.some(([name]) => name === mark[0]))).toBe(true);
});

test("a file that mod_wsgi can send itself is passed to it unchanged", () => {
  const files = app({
    "/file": "start_response('200 OK', PLAIN)\nfile = open('/etc/passwd', 'rb')\nreturn environ['wsgi.file_wrapper'](file)",
    "/memory": "import io\nstart_response('200 OK', PLAIN)\nreturn environ['wsgi.file_wrapper'](io.BytesIO(b'file'))",
  });
  const [file, memory] = run({ files, paths: ["/file", "/memory"] }).answers;
  expect(file).toMatchObject({ file: true, chunks: [readFileSync("/etc/passwd", "utf8")] });
  expect(memory).toMatchObject({ file: false, chunks: [...framed("file"), end] });
});

test("an answer that is not out at once shows where it ends, and one that is keeps its connection", () => {
  const rows: [what: string, body: string, headers: string, chunks: string[]][] = [
    ["a list", "start_response('200 OK', [])\nreturn [b'ab', b'cd']", "Content-Length 4", ["abcd"]],
    ["no piece", "start_response('200 OK', [])\nreturn iter([])", "Content-Length 0", []],
    [
      "one piece of the length declared",
      "start_response('200 OK', [('Content-Length', '2')])\nyield b'ab'",
      "Content-Length 2",
      ["ab"],
    ],
    [
      "pieces of the length declared",
      "start_response('200 OK', [('Content-Length', '4')])\nyield b'ab'\nyield b'cd'",
      "Content-Length 4, Connection close",
      ["ab", "cd"],
    ],
    [
      "a written piece of the length declared",
      "start_response('200 OK', [('Content-Length', '2')])(b'ab')\nreturn []",
      "Content-Length 2",
      ["ab"],
    ],
    [
      "less than declared",
      "start_response('200 OK', [('Content-Length', '9')])\nreturn [b'ab']",
      "Content-Length 9, Connection close",
      ["ab"],
    ],
    [
      "a form copied from another server's answer",
      "start_response('200 OK', [('Transfer-Encoding', 'chunked')])\nyield b'ab'\nyield b'cd'",
      "Transfer-Encoding chunked, Connection close",
      [...framed("ab", "cd"), end],
    ],
    [
      "such a form beside a length",
      "start_response('200 OK', [('transfer-encoding', 'chunked'), ('Content-Length', '2')])\nreturn [b'ab']",
      "Content-Length 2",
      ["ab"],
    ],
    [
      "pieces without end",
      "start_response('200 OK', [])\nyield b'ab'\nyield b''\nyield b'cd'",
      "Transfer-Encoding chunked, Connection close",
      [...framed("ab", "cd"), end],
    ],
    ["nothing to say", "start_response('204 No Content', [])\nreturn iter([])", "", []],
    ["a page still valid", "start_response('304 Not Modified', [])\nreturn []", "", []],
  ];
  const bodies = rows.map(([what, body]): [string, string] => [
    `/${what.replaceAll(" ", "-")}`,
    body.includes("yield") ? `def body():\n${body.replace(/^/gm, "  ")}\nreturn body()` : body,
  ]);
  const { answers } = run({ files: app(Object.fromEntries(bodies)), paths: bodies.map(([path]) => path) });
  const got = answers.map(({ headers, chunks, raised, errors }, index) => {
    const added = (headers ?? []).filter(([name]) => name !== mark[0]).map((header) => header.join(" "));
    return [rows[index]?.[0], added.join(", "), chunks, raised, errors];
  });
  expect(got).toEqual(rows.map(([what, , headers, chunks]) => [what, headers, chunks, null, ""]));
});

test("what is larger than a socket takes at once is not kept in one piece, and ends its connection", () => {
  const files = app({ "/": "start_response('200 OK', PLAIN)\nreturn [b'a' * 40000, b'b' * 40000]" });
  const [answer] = run({ files, paths: ["/"] }).answers;
  expect(answer?.headers?.slice(2)).toEqual([
    ["Content-Length", "80000"],
    ["Connection", "close"],
  ]);
  expect(answer?.chunks.map(({ length }) => length)).toEqual([40000, 40000]);
});

test("who asks for the headers alone, or cannot read chunks, gets none", () => {
  const files = app({ "/": "start_response('200 OK', PLAIN)\nreturn iter([b'ab', b'cd'])" });
  const [head, old] = run({ files, paths: ["/ HEAD", "/ GET HTTP/1.0"] }).answers;
  expect(head?.headers).toEqual([["Content-Type", "text/plain"], mark]);
  expect(old?.headers).toEqual([["Content-Type", "text/plain"], mark, ["Connection", "close"]]);
  expect([head?.chunks, old?.chunks]).toEqual([
    ["ab", "cd"],
    ["ab", "cd"],
  ]);
});

test("an error before anything was sent is a marked 500, and its traceback is in the log", () => {
  const files = app({
    "/call": "raise ValueError('in the call')",
    "/started": "start_response('200 OK', PLAIN)\nraise ValueError('after start_response')",
    "/first":
      "start_response('200 OK', PLAIN)\ndef body():\n  raise ValueError('before the first piece')\n  yield b''\nreturn body()",
    "/iter": "start_response('200 OK', PLAIN)\nreturn None",
    "/text": "start_response('200 OK', PLAIN)\nreturn iter(['text'])",
    "/listed": "start_response('200 OK', PLAIN)\nreturn ['text']",
    "/never": "return [b'never started']",
  });
  const answers = run({ files, paths: ["/call", "/started", "/first", "/iter", "/text", "/listed", "/never"] }).answers;
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
    undefined,
    undefined,
    undefined,
  ]);
});

test("close() is called whatever keeps the answer from being sent", () => {
  const closing = "  def close(self): print('closed', file=environ['wsgi.errors'])\nreturn Body()";
  const files = app({
    "/iter": `start_response('200 OK', PLAIN)\nclass Body:\n  def __iter__(self): raise ValueError('no iterator')\n${closing}`,
    "/none": `start_response('200 OK', PLAIN)\nclass Body:\n${closing}`,
    "/never": `class Body(environ['wsgi.file_wrapper']):\n  pass\nenviron['wsgi.file_wrapper'] = Body\nBody.close = lambda self: print('closed', file=environ['wsgi.errors'])\nreturn Body(open('/etc/passwd', 'rb'))`,
    "/written": `start_response('200 OK', PLAIN)(b'part')\nclass Body:\n${closing}`,
  });
  const answers = run({ files, paths: ["/iter", "/none", "/never", "/written"] }).answers;
  expect(answers.map(({ errors }) => errors.match(/^closed$/gm))).toEqual(answers.map(() => ["closed"]));
  expect(answers.map(({ raised }) => raised !== null)).toEqual([false, false, false, true]);
});

test("an error after something was sent reaches mod_wsgi, and the answer lacks its end", () => {
  const files = app({
    "/yield": "start_response('200 OK', PLAIN)\ndef body():\n  yield b'part'\n  raise ValueError('late')\nreturn body()",
    "/write": "start_response('200 OK', PLAIN)(b'part')\nraise ValueError('late')",
  });
  for (const answer of run({ files, paths: ["/yield", "/write"] }).answers) {
    expect(answer).toMatchObject({ status: "200 OK", chunks: framed("part"), raised: "ValueError('late')" });
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

/** Takes 10 MB with each request, without touching them. */
const leaking = app({
  "/": "import mmap\nBAG.append(mmap.mmap(-1, 10 << 20, flags=mmap.MAP_PRIVATE))\nstart_response('200 OK', PLAIN)\nreturn [b'fine']",
});
leaking["src/wsgi.py"] = `BAG = []\n${leaking["src/wsgi.py"]}`;

/** Takes so many megabytes with its first request, and no more. */
function takesAtOnce(megabytes: number): { "src/wsgi.py": string } {
  const body = `if not BAG:\n  import mmap\n  BAG.append(mmap.mmap(-1, ${megabytes} << 20, flags=mmap.MAP_PRIVATE))\n`;
  const files = app({ "/": `${body}start_response('200 OK', PLAIN)\nreturn [b'fine']` });
  return { "src/wsgi.py": `BAG = []\n${files["src/wsgi.py"]}` };
}

test("a process at the end of its memory ends, though no other serves in its place", () => {
  const after = (requests: number) =>
    run({ files: leaking, paths: Array.from({ length: requests }, () => "/"), dataLimit: 1000 << 20 });
  expect(after(93).signals).toEqual([]);
  const { answers, signals } = after(97);
  expect(answers.every(({ status }) => status === "200 OK")).toBe(true);
  expect(signals).toEqual(["SIGTERM"]);
});

describe("processes of one release", () => {
  const processes: Process[] = [];
  afterEach(async () => {
    for (const process of processes.splice(0)) await process.end();
  });

  /** One process of the release, as Apache starts it. */
  class Process {
    readonly #child = spawn("python3", words, { env: env(), stdio: ["pipe", "pipe", "pipe"] });
    readonly #lines: string[] = [];
    readonly exit: Promise<number | null>;
    stderr = "";

    constructor(plan: Plan) {
      processes.push(this);
      let text = "";
      this.#child.stdout.on("data", (chunk: Buffer) => {
        const lines = (text + chunk.toString()).split("\n");
        text = lines.pop() ?? "";
        this.#lines.push(...lines);
      });
      this.#child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
      this.exit = new Promise((resolve) => this.#child.once("close", resolve));
      this.#child.stdin.on("error", () => undefined);
      this.#child.stdin.write(`${told(plan)}\n`);
    }

    /** Whether it has loaded the app. */
    get serves(): boolean {
      return this.#lines.length > 0;
    }

    /** Asks so many times; returns the signals that the process has sent itself until then, and the last answer. */
    async ask(times = 1): Promise<{ signals: string[]; last: Answer | undefined }> {
      const before = this.#lines.length;
      this.#child.stdin.write(`${JSON.stringify(Array.from({ length: times }, () => "/"))}\n`);
      await poll("the answers", 10, () => this.#lines.length > before);
      const { signals, answers } = JSON.parse(this.#lines.at(-1) ?? "") as Run;
      return { signals, last: answers.at(-1) };
    }

    signal(name: NodeJS.Signals): void {
      this.#child.kill(name);
    }

    end(): Promise<number | null> {
      this.#child.kill("SIGKILL");
      return this.exit;
    }
  }

  /** Starts the next one once the one before serves: they take their places in this order. */
  async function serving(plan: Plan): Promise<Process> {
    const process = new Process(plan);
    await poll("it serves", 10, () => process.serves);
    return process;
  }

  /** Starts one more than there are places. */
  async function waiting(plan: Plan): Promise<Process> {
    const process = new Process(plan);
    const isLocked = () => spawnSync("python3", ["-c", lockProbe, join(root, "places"), "0"]).status === 1;
    await poll("it waits", 10, isLocked);
    return process;
  }

  test("one is replaced after another, and only once another serves in its place", async () => {
    const plan = { files: { "src/wsgi.py": simple }, site: { processes: 2, requests: 4 } };
    layOut(plan);
    const two = [await serving(plan), await serving(plan)];
    // Once each: a process that gives its place with one request can't see before its next one that it was taken.
    const askBoth = async (times = 1) => {
      const asked: string[][] = [];
      for (const process of two) asked.push((await process.ask(times)).signals);
      return asked.toSorted();
    };
    // Both are due, but nobody waits.
    expect(await askBoth(8)).toEqual([[], []]);
    const third = await waiting(plan);
    expect(await askBoth()).toEqual([[], []]);
    await poll("the third one serves", 10, () => third.serves);
    expect(await askBoth()).toEqual([[], ["SIGUSR1"]]);
    // The other one has to wait until the first is gone and yet another one waits.
    expect(await askBoth()).toEqual([[], ["SIGUSR1"]]);
    const left = (await two[0]?.ask())?.signals.length === 0 ? two.reverse() : two;
    await left.shift()?.end();
    expect(await askBoth()).toEqual([[]]);
    const fourth = await waiting(plan);
    expect(await askBoth()).toEqual([[]]);
    await poll("the fourth one serves", 10, () => fourth.serves);
    expect(await askBoth()).toEqual([["SIGUSR1"]]);
    expect((await third.ask()).signals).toEqual([]);
  });

  test("the first ones come due at different times, later ones after all of their requests", async () => {
    const plan = { files: { "src/wsgi.py": simple }, site: { processes: 2, requests: 6 } };
    layOut(plan);
    const first = await serving(plan);
    const second = await serving(plan);
    const third = await waiting(plan);
    await second.ask(5);
    await first.ask(3);
    await poll("the third one serves", 10, () => third.serves);
    expect((await first.ask()).signals).toEqual(["SIGUSR1"]);
    await first.end();
    const fourth = await waiting(plan);
    await third.ask(5);
    await second.ask();
    await poll("the fourth one serves", 10, () => fourth.serves);
    expect((await third.ask()).signals).toEqual([]);
    expect((await second.ask()).signals).toEqual(["SIGUSR1"]);
  });

  test("one whose memory nears its end is replaced", async () => {
    const plan = { files: leaking, dataLimit: 1000 << 20 };
    layOut(plan);
    const first = await serving(plan);
    const second = await waiting(plan);
    expect((await first.ask(87)).signals).toEqual([]);
    expect(second.serves).toBe(false);
    await first.ask(4);
    await poll("the second one serves", 10, () => second.serves);
    const { signals, last } = await first.ask();
    expect(signals).toEqual(["SIGUSR1"]);
    expect(last?.errors).toMatch(/^silver: process \d+ uses 9\d\d MB of the 1000 MB it may: replacing it\n$/);
  });

  test("what the first request takes brings none of the first ones nearer to its end", async () => {
    const plan = { files: takesAtOnce(60), dataLimit: 120 << 20, site: { processes: 2 } };
    layOut(plan);
    const first = await serving(plan);
    await serving(plan);
    await waiting(plan);
    await first.ask(3);
    // It does not give its place.
    expect(spawnSync("python3", ["-c", lockProbe, join(root, "places"), "1"]).status).toBe(0);
  });

  test("one that takes most of its memory at once goes on", () => {
    expect(run({ files: takesAtOnce(80), paths: ["/", "/", "/"], dataLimit: 120 << 20 }).signals).toEqual([]);
  });

  test.each([113, 117, 121, 125])("one with %s MB for requests of 10 MB ends before one fails", async (megabytes) => {
    const plan = { files: leaking, dataLimit: megabytes << 20 };
    layOut(plan);
    const process = await serving(plan);
    await poll("it ends itself", 10, async () => {
      const { signals, last } = await process.ask();
      expect(last?.status).toBe("200 OK");
      return signals[0] === "SIGTERM";
    });
  });

  test("one goes on where the next one can't load the app", async () => {
    const broken = "import os\nif os.path.exists(__file__ + '.broken'):\n    raise ValueError('no database')\n";
    const plan = { files: { "src/wsgi.py": broken + simple }, site: { requests: 1 } };
    layOut(plan);
    const first = await serving(plan);
    writeFileSync(join(root, "app/src/wsgi.py.broken"), "");
    const second = await waiting(plan);
    await first.ask();
    expect(await second.exit).toBe(1);
    expect(second.stderr).toContain("ValueError: no database");
    expect((await first.ask(2)).signals).toEqual([]);
    rmSync(join(root, "app/src/wsgi.py.broken"));
    const third = await waiting(plan);
    await first.ask();
    await poll("the third one serves", 10, () => third.serves);
    expect((await first.ask()).signals).toEqual(["SIGUSR1"]);
  });

  test("one that is killed is followed by the one that waits", async () => {
    const plan = { files: { "src/wsgi.py": simple } };
    layOut(plan);
    const first = await serving(plan);
    const second = await waiting(plan);
    const third = new Process(plan);
    await first.end();
    await poll("one of them serves", 10, () => second.serves || third.serves);
    expect(second.serves && third.serves).toBe(false);
  });

  test("one that waits ends as soon as it is told to", async () => {
    const plan = { files: { "src/wsgi.py": simple } };
    layOut(plan);
    await serving(plan);
    const second = await waiting(plan);
    second.signal("SIGTERM");
    expect(await second.exit).toBe(0);
    expect(second).toMatchObject({ stderr: "", serves: false });
  });
});

/** Ends with 1 when another process holds a byte of a file: 0 is that of the one that waits, 1 that of the one that gives its place. */
const lockProbe = `import fcntl, sys
try:
    fcntl.lockf(open(sys.argv[1], "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, int(sys.argv[2]))
except BlockingIOError:
    sys.exit(1)
`;

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
  expect(run({ files, paths: ["/"] }).answers[0]?.chunks).toEqual(["Truewsgi"]);
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

describe("a runner of Paste Deploy", () => {
  /** As much of PasteDeploy as the wrapper asks for, with what it was asked. */
  const paste = {
    "lib/python/paste/__init__.py": "",
    "lib/python/paste/deploy/__init__.py": "",
    "lib/python/paste/deploy/loadwsgi.py": `APP = "app"

class ConfigLoader:
    def __init__(self, path):
        self.path = path

    def update_defaults(self, values, overwrite):
        self.defaults = values

    def get_context(self, kind, name, global_conf):
        self.asked = (kind, name, global_conf)
        return self

    def create(self):
        def application(environ, start_response):
            start_response("200 OK", [("Content-Type", "text/plain")])
            kind, name, values = self.asked
            return [f"{kind} {name} {self.path[-14:]} {values['SECRET']} {values['RATE']} {self.defaults['RATE']}".encode()]

        return application
`,
  };
  const site = { runner: "src/config.ini", object: "main" };
  const variables = () => ({ RATE: "50%", SILVER_SECRET_FILE: join(root, "secret.txt") });

  test("is loaded with the app's own PasteDeploy: os.environ and SECRET are its global configuration", () => {
    writeFileSync(join(root, "secret.txt"), "hush\n");
    const answer = (object: string) =>
      run({ files: { ...paste, "src/config.ini": "" }, paths: ["/"], site: { ...site, object }, variables: variables() })
        .answers[0];
    expect(answer("main")?.chunks).toEqual(["app None src/config.ini hush 50% 50%%"]);
    expect(answer("blog")?.chunks).toEqual(["app blog src/config.ini hush 50% 50%%"]);
  });

  test("is refused by name where the app has no PasteDeploy, and another missing module keeps its own error", () => {
    const { stderr } = tryRun({ files: { "src/config.ini": "" }, site, variables: variables() });
    expect(stderr).toContain(
      "ImportError: src/config.ini is a file of Paste Deploy, and the app has no PasteDeploy: list it in requirements.txt",
    );
    const broken = { ...paste, "lib/python/paste/deploy/__init__.py": "import pkg_resources_of_old" };
    expect(tryRun({ files: { ...broken, "src/config.ini": "" }, site, variables: variables() }).stderr).toContain(
      "No module named 'pkg_resources_of_old'",
    );
  });
});

test("what the app says is UTF-8 in the log whatever the locale, and a line of many kB comes in marked pieces", () => {
  const { answers } = run({
    files: app({
      "/": `import sys
print("Привет ☃")
print("errors é", file=environ["wsgi.errors"])
sys.stderr.write("a part, ")
sys.stderr.write("and its end\\n\\ud800\\n")
sys.stdout.buffer.write("bytes ü\\n".encode())
print("ы" * 20_000)
start_response('200 OK', PLAIN)
return [b'']`,
    }),
    paths: ["/"],
  });
  const lines = answers[0]?.errors.split("\n") ?? [];
  expect(lines.slice(0, 5)).toEqual(["Привет ☃", "errors é", "a part, and its end", "\\ud800", "bytes ü"]);
  const pieces = lines.slice(5, -1);
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.every((piece, index) => piece.endsWith(" …") === index < pieces.length - 1)).toBe(true);
  expect(pieces.every((piece, index) => piece.startsWith("… ") === index > 0)).toBe(true);
  expect(pieces.map((piece) => piece.replaceAll(/^… | …$/g, "")).join("")).toBe("ы".repeat(20_000));
});

test("bytes that are no text break no app, however long their line", () => {
  const body =
    "import sys\nsys.stdout.buffer.write(b'\\x80' * 20_000 + b'\\n')\nsys.stdout.buffer.write(b'\\xbf' * 50_000)\nstart_response('200 OK', PLAIN)\nreturn [b'fine']";
  const [answer] = run({ files: app({ "/": body }), paths: ["/"] }).answers;
  expect(answer).toMatchObject({ status: "200 OK", chunks: ["fine"] });
  expect(answer?.errors.match(/\ufffd/g)?.length).toBeGreaterThan(60_000);
});

test("the time zone of its variables is the app's, though Python began before they were known", () => {
  const zone = "import time\nstart_response('200 OK', PLAIN)\nreturn [' '.join(time.tzname).encode()]";
  const { answers } = run({ files: app({ "/": zone }), paths: ["/"], variables: { TZ: "America/New_York" } });
  expect(answers[0]?.chunks).toEqual(["EST EDT"]);
});
