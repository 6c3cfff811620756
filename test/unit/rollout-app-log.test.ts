import { expect, test } from "vitest";
import { readableBody, readableLog } from "../../components/rollout/app-log.ts";

const app = "/srv/silver/blog/releases/1.0.0-55077e6d.24795677";
const traceback = (pid: number): string[] => [
  `[wsgi:error] [pid ${pid}] mod_wsgi (pid=${pid}): Exception occurred processing WSGI script '${app}/conf/wsgi.py'.`,
  `[wsgi:error] [pid ${pid}] Traceback (most recent call last):`,
  `[wsgi:error] [pid ${pid}]   File "${app}/conf/wsgi.py", line 158, in <module>`,
  `[wsgi:error] [pid ${pid}]     wrapped = load_application()`,
  `[wsgi:error] [pid ${pid}]               ^^^^^^^^^^^^^^^^^^`,
  `[wsgi:error] [pid ${pid}]   File "<frozen importlib._bootstrap>", line 241, in _call_with_frames_removed`,
  `[wsgi:error] [pid ${pid}]   File "${app}/app/src/wsgi.py", line 2, in <module>`,
  `[wsgi:error] [pid ${pid}]     raise RuntimeError("no such table: posts")`,
  `[wsgi:error] [pid ${pid}] RuntimeError: no such table: posts`,
];
const shown = [
  "Traceback (most recent call last):",
  '  File "src/wsgi.py", line 2, in <module>',
  '    raise RuntimeError("no such table: posts")',
  "RuntimeError: no such table: posts",
];

test("of many equal tracebacks the first one is shown, with the app's own frames and paths", () => {
  expect(readableLog([...traceback(1), ...traceback(2), ...traceback(1)])).toEqual(shown);
});

test("the first error that ended a start is shown, not what it led to, nor one that the app itself logged before", () => {
  const second = traceback(1).map((line) => line.replace("no such table: posts", "populate() is not reentrant"));
  const logged = traceback(2)
    .filter((line) => !line.includes("conf/wsgi.py") && !line.includes("wrapped"))
    .map((line) => line.replaceAll("no such table: posts", "no plugin"));
  expect(readableLog([...logged, ...traceback(1), ...second])).toEqual(shown);
  expect(readableLog(logged).at(-1)).toBe("RuntimeError: no plugin");
});

test("what the app said before it could not be loaded is shown, without what Apache says around it", () => {
  const at = (text: string) => `[wsgi:error] [pid 1] ${text}`;
  const failed = [
    `[wsgi:info] [pid 1] mod_wsgi (pid=1, process='app', application=''): Loading Python script file '${app}/conf/wsgi.py'.`,
    at("FATAL: no database at db.acme.net"),
    at(`mod_wsgi (pid=1): SystemExit exception raised when doing exec of Python script file '${app}/conf/wsgi.py'.`),
    ...traceback(1),
    "[wsgi:info] [pid 1] mod_wsgi (pid=1): Application startup timer triggered 'app'.",
  ];
  expect(readableLog([...failed, ...failed])).toEqual(["FATAL: no database at db.acme.net", ...shown]);
});

test("two processes that fail at once don't mix", () => {
  const mixed = traceback(1).flatMap((line, index) => [line, traceback(2)[index] ?? ""]);
  expect(readableLog(mixed)).toEqual(shown);
});

test("a chain of exceptions is shown whole, a later traceback is not", () => {
  const during = "During handling of the above exception, another exception occurred:";
  const chained = [
    ...traceback(1).filter((line) => !/conf\/wsgi|wrapped|\^\^/.test(line)),
    "[wsgi:error] [pid 1] ",
    `[wsgi:error] [pid 1] ${during}`,
    "[wsgi:error] [pid 1] ",
    ...traceback(1).slice(1),
  ];
  expect(readableLog([...chained, ...traceback(1)])).toEqual([...shown, "", during, "", ...shown]);
});

test("processes that die without a word are reported once, with the signal", () => {
  const dead = (pid: number): string[] => [
    `[wsgi:info] [pid ${pid}] mod_wsgi (pid=${pid}): Attach interpreter ''.`,
    `[core:notice] [pid 9] AH00052: child pid ${pid} exit signal Segmentation fault (11)`,
    `[wsgi:info] [pid 9] mod_wsgi (pid=${pid}): Process 'app' has died, deregister and restart it.`,
  ];
  const timeout = `[wsgi:error] [pid 9] Timeout when reading response headers from daemon process 'app': ${app}/conf/wsgi.py`;
  expect(readableLog(["Started silver-web-blog@1.service - Site blog.", ...dead(1), ...dead(2), timeout, ...dead(3)])).toEqual([
    "AH00052: child pid 1 exit signal Segmentation fault (11)",
    "mod_wsgi (pid=1): Process 'app' has died, deregister and restart it.",
  ]);
});

test("what each of several processes said is shown once, and the last of much", () => {
  const said = [1, 2, 3].map((pid) => `[wsgi:error] [pid ${pid}] no room`);
  expect(readableLog(said)).toEqual(["no room"]);
  const much = Array.from({ length: 99 }, (_, number) => `line ${number}`);
  expect(readableLog(much)).toEqual(much.slice(-20));
});

test("of PHP's errors the first one that ended a script is shown, with what it came from", () => {
  const fatal = [
    "PHP message: PHP Warning:  Undefined variable in src/list.php on line 3",
    `PHP message: PHP Fatal error:  Uncaught RuntimeException: no such table: posts in ${app}/app/src/index.php:7`,
    "Stack trace:",
    `#0 ${app}/app/src/index.php(3): posts()`,
    "#1 {main}",
    `  thrown in ${app}/app/src/index.php on line 7`,
  ];
  expect(readableLog([...fatal, ...fatal])).toEqual([
    "PHP Fatal error:  Uncaught RuntimeException: no such table: posts in src/index.php:7",
    "Stack trace:",
    "#0 src/index.php(3): posts()",
    "#1 {main}",
    "  thrown in src/index.php on line 7",
  ]);
});

test("Apache's talk is left out where something graver was said, and shown where nothing was", () => {
  const talk = "[wsgi:info] [pid 7] mod_wsgi (pid=7): Starting process 'app' with threads=1.";
  expect(readableLog([talk, "[core:crit] [pid 7:tid 8] out of memory", talk])).toEqual(["out of memory"]);
  expect(readableLog([talk])).toEqual(["mod_wsgi (pid=7): Starting process 'app' with threads=1."]);
});

test("lines of an app that prints what it likes stay as they are", () => {
  const lines = ["starting", "[pid x] odd", '  File "notes.txt"', "    deep", ""];
  expect(readableLog(lines)).toEqual(lines);
});

test("of a page its title is shown, of a text its first words", () => {
  expect(readableBody("<!DOCTYPE HTML>\n<html><head>\n<title>500 Internal\nError</title>", 99)).toBe("500 Internal\nError");
  expect(readableBody("  KeyError: 'x'\n", 5)).toBe("KeyEr");
});

test("what an app makes up to take hours is shown at once", () => {
  const start = performance.now();
  readableLog(Array.from({ length: 40 }, () => `[:c] [pid 0${"0".repeat(48_000)}`));
  readableBody("<title".repeat(20_000), 500);
  expect(performance.now() - start).toBeLessThan(2000);
});
