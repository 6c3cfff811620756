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

test("of many equal tracebacks the last one is shown, with the app's own frames and paths", () => {
  expect(readableLog([...traceback(1), ...traceback(2), ...traceback(1)])).toEqual(shown);
});

test("two processes that fail at once don't mix", () => {
  const mixed = traceback(1).flatMap((line, index) => [line, traceback(2)[index] ?? ""]);
  expect(readableLog(mixed)).toEqual(shown);
});

test("a chain of exceptions is shown whole, an earlier traceback is not", () => {
  const during = "During handling of the above exception, another exception occurred:";
  const chained = [
    ...traceback(1).slice(1),
    "[wsgi:error] [pid 1] ",
    `[wsgi:error] [pid 1] ${during}`,
    "[wsgi:error] [pid 1] ",
    ...traceback(1).slice(1),
  ];
  expect(readableLog([...traceback(1), ...chained])).toEqual([...shown, "", during, "", ...shown]);
});

test("of PHP's errors the last one that ended a script is shown, with what it came from", () => {
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
