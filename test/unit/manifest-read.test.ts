import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readApp } from "../../components/manifest/read.ts";
import { issueLines } from "../support/fixtures.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silver-read-"));
});
afterEach(() => {
  chmodSync(root, 0o755);
  rmSync(root, { recursive: true });
});

const RUNNER = "def application(environ, start_response): ...\n";

function write(files: Record<string, string | Buffer>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, "apps/blog", name)), { recursive: true });
    writeFileSync(join(root, "apps/blog", name), content);
  }
}

const read = () => {
  const { value, issues } = readApp(root, "apps/blog");
  return { value, said: issueLines(issues), files: issues.map(({ place }) => place.file) };
};

test("an app is read from app.yaml", () => {
  write({ "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py": RUNNER });
  expect(read()).toMatchObject({ said: "", value: { name: "blog", file: "apps/blog/app.yaml", runner: "wsgi.py" } });
});

test("an app is read from app.ini, also in Latin-1", () => {
  const text = "[production]\napp_name = blog\nrunner = wsgi.py\nconfig.default = CITY=K\u00f6ln\n";
  write({ "app.ini": Buffer.from(text, "latin1"), "wsgi.py": RUNNER });
  expect(read()).toMatchObject({
    said: "",
    value: { name: "blog", file: "apps/blog/app.ini", config: { default: { CITY: "Köln" } } },
  });
});

describe("what is wrong with the files of an app is told at its place", () => {
  test("a worker that is no program", () => {
    const workers = "workers: {a: {run: bin/none x}, b: {run: bin/text}, c: {run: bin/read.py}, d: {run: bin}}";
    write({ "app.yaml": `name: blog\nrunner: wsgi.py\n${workers}\n`, "wsgi.py": RUNNER, "bin/text": "", "bin/read.py": "" });
    expect(read().said).toBe(
      "3:20 error [missing-file] workers.a bin/none does not exist in apps/blog\n  create it, or correct the path\n" +
        "3:42 error [not-executable] workers.b bin/text can't be started as a program\n  run: chmod +x apps/blog/bin/text\n" +
        "3:85 error [missing-file] workers.d bin is not a file\n  write the path of a script\n",
    );
  });

  test("no manifest", () => {
    write({ "wsgi.py": RUNNER });
    expect(read().said).toBe(
      "-:- error [missing-file] apps/blog has no manifest: neither app.yaml nor app.ini\n  write app.yaml, with name and runner at least\n",
    );
  });

  test.each([
    ["app.yml", "app.yaml"],
    ["App.YAML", "app.yaml"],
    ["silver-app.ini", "app.ini"],
    ["app.yaml.txt", "app.yaml"],
    ["manifest.yaml", "app.yaml"],
  ])("no manifest but %s, which is one under another name", (name, right) => {
    write({ [name]: "name: blog\nrunner: wsgi.py\n", "wsgi.py": RUNNER });
    expect(read().said).toBe(
      `-:- error [missing-file] apps/blog has no manifest: neither app.yaml nor app.ini, but ${name}\n  rename ${name} to ${right}\n`,
    );
  });

  test("two manifests", () => {
    write({ "app.yaml": "", "app.ini": "" });
    expect(read().said).toBe(
      "-:- error [both-manifests] apps/blog has two manifests, app.yaml and app.ini\n  delete the one that is out of date\n",
    );
  });

  test("no runner, beside what else is wrong", () => {
    write({ "app.yaml": "name: blog\nrunner: wsgi.py\nversion: one\n" });
    expect(read().said).toBe(
      "2:9 error [missing-file] runner wsgi.py does not exist in apps/blog\n  create it, or correct the path\n" +
        '3:10 error [bad-version] version is "one": it must be semver without build metadata (1.5.0), or a timestamp (20261121_001)\n' +
        "  write for example 1.5.0\n",
    );
  });

  test("a runner that is a directory", () => {
    write({ "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py/x": "" });
    expect(read().said).toBe("2:9 error [missing-file] runner wsgi.py is not a file\n  write the path of the file that is run\n");
  });

  test("a runner that is a link out of the app", () => {
    write({ "app.yaml": "name: blog\nrunner: wsgi.py\n" });
    writeFileSync(join(root, "apps/other.py"), RUNNER);
    symlinkSync("../other.py", join(root, "apps/blog/wsgi.py"));
    expect(read().said).toBe(
      "2:9 error [leads-out] runner wsgi.py is a link that leads out of apps/blog\n  move the file into the app\n",
    );
  });

  test("a runner that is a link to nowhere, or to itself", () => {
    write({ "app.yaml": "name: blog\nrunner: wsgi.py\n" });
    symlinkSync("wsgi.py", join(root, "apps/blog/wsgi.py"));
    expect(read().said).toContain("2:9 error [missing-file] runner wsgi.py does not exist in apps/blog");
  });

  test("a runner without application", () => {
    write({ "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py": "# application = None\napp = object()\n" });
    expect(read()).toMatchObject({
      said: "-:- error [no-application] the runner does not define application\n  define it at the top level: def application(environ, start_response)\n",
      files: ["apps/blog/wsgi.py"],
    });
  });

  test("a php_root that is not a directory, and PHP where nothing is run", () => {
    write({ "app.yaml": "name: blog\nphp_root: www\nrunner: index.php\n", "static/old/a.PHP": "<?php", "static/php": "" });
    expect(read().said).toBe(
      "-:- error [php-app] apps/blog/static/old/a.PHP would be shown, and not run\n  move it out of static/, or give it another name\n" +
        "2:11 error [missing-file] php_root www does not exist in apps/blog\n  create it, or correct the path\n" +
        "3:9 error [missing-file] runner index.php does not exist in apps/blog\n  create it, or correct the path\n",
    );
  });

  test("a manifest of a gigabyte, without reading it", () => {
    write({ "app.yaml": "" });
    truncateSync(join(root, "apps/blog/app.yaml"), 2 ** 30);
    const before = performance.now();
    expect(read().said).toBe("-:- error [too-large] the file has more than 65536 bytes\n  move data into files of the app\n");
    expect(performance.now() - before).toBeLessThan(1000);
  });
});

test.each([
  "def application(environ, start_response):\n    pass\n",
  "class application:\n    pass\n",
  "application = Flask(__name__)\n",
  "app = application = make()\n",
  "application: WSGIApplication = make()\n",
  "from blog.wsgi import application\n",
  "from blog.wsgi import app as application\n",
  "from blog.wsgi import (\n    db,\n    app as application,\n)\n",
  "from blog.wsgi import *\n",
  "try:\n    from a import application\nexcept ImportError:\n    application = None\n",
  "exec(open('other.py').read())\n",
])("this runner defines application: %j", (python) => {
  write({ "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py": python });
  expect(read().said).toBe("");
});

test.each(["", "app = 1\n", "application == 1\n", "def applications(): ...\n", "print(application)\n", "import wsgiref\n"])(
  "this runner does not: %j",
  (python) => {
    write({ "app.yaml": "name: blog\nrunner: wsgi.py\n", "wsgi.py": python });
    expect(read().said).toContain("[no-application]");
  },
);

describe("a static app answers its check by one of its files", () => {
  const manifest = "name: blog\nplatform: static\n";

  test.each([
    ["the index", "check: {path: /}\n", "static/index.html"],
    ["any file, where it declares none", "", "static/assets/logo.svg"],
    ["a file", "check: {path: /news.html}\n", "static/news.html"],
    ["the index of a directory", "check: {path: /news/?page=2}\n", "static/news/index.html"],
    ["none, where it expects another answer", "check: {path: /gone, status: 404}\n", "static/other.html"],
  ])("%s", (_, check, file) => {
    write({ "app.yaml": manifest + check, [file]: "" });
    expect(read()).toMatchObject({ said: "", value: { platform: "static" } });
  });

  test.each([
    ["there is none", "check: {path: /}\n", "3:8", "/", "static/index.html"],
    ["its path leads out of static/", "check: {path: /../app.yaml}\n", "3:8", "/../app.yaml", "static/app.yaml"],
  ])("%s", (_, check, place, path, file) => {
    write({ "app.yaml": manifest + check });
    expect(read().said).toBe(
      `${place} error [missing-file] the check asks for ${path}, but apps/blog/${file} is not a file: a static app would fail it\n` +
        `  create apps/blog/${file}, or set check.path to a file in static/\n`,
    );
  });
});

test("a static app without a file and without a check is refused", () => {
  write({ "app.yaml": "name: blog\nplatform: static\n" });
  expect(read().said).toBe(
    "-:- error [missing-file] apps/blog/static has no file, and a static app is nothing else\n  create apps/blog/static/index.html\n",
  );
});

test.each([
  ["app.py#make_app", "def make_app(environ, start_response): ...\n"],
  ["paste.ini", "[app:main]\nuse = egg:kinto\n"],
  ["paste.ini", "[composite: main]\nuse = egg:Paste#urlmap\n"],
  ["paste.ini#main", "[pipeline:main]\npipeline = egg blog\n"],
  ["paste.ini#blog", "# [app:other]\n[app]\n[filter-app:blog]\n"],
  ["paste.ini", "[app]\npaste.app_factory = blog:main\n"],
])("the runner %s is in %j", (runner, text) => {
  write({ "app.yaml": `name: blog\nrunner: ${runner}\n`, [runner.split("#")[0] ?? ""]: text });
  expect(read().said).toBe("");
});

test.each([
  ["app.py#make_app", "application = 1\n", "the runner does not define make_app"],
  ["paste.ini", "[server:main]\n[application:blog]\n", "the runner has no section [app:main]"],
  ["paste.ini#blog", "[app:main]\n[app:blogger]\n", "the runner has no section [app:blog]"],
])("the runner %s is not in %j", (runner, text, said) => {
  write({ "app.yaml": `name: blog\nrunner: ${runner}\n`, [runner.split("#")[0] ?? ""]: text });
  expect(read().said).toContain(`[no-application] ${said}`);
});

test.each([
  ["wsgi.py", "application:".repeat(80_000)],
  ["wsgi.py", `application${" ".repeat(1_000_000)}x`],
  ["wsgi.py", "x\n".repeat(500_000)],
  ["wsgi.py", `${"application:".repeat(40)}\n`.repeat(2000)],
  ["paste.ini", "[app:\r".repeat(160_000)],
])("a runner %s made up to take hours is judged at once", (runner, text) => {
  write({ "app.yaml": `name: blog\nrunner: ${runner}\n`, [runner]: text });
  const start = performance.now();
  read();
  expect(performance.now() - start).toBeLessThan(3000);
});

test("a runner whose file does not exist is reported by the file", () => {
  write({ "app.yaml": "name: blog\nrunner: src/config.ini#main\n" });
  expect(read().said).toContain("[missing-file] runner src/config.ini does not exist in apps/blog");
});
