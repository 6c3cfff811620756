import { expect, test } from "vitest";
import { shortCause } from "../../components/rollout/verdict-file.ts";

const app = "/srv/silver/shop/releases/2.2.0-3fa2c1d0.c7b19e02/app";

test.each([
  [
    "an error in the app's own file",
    ["Traceback (most recent call last):", `  File "${app}/src/wsgi.py", line 28`, "    def f(:", "SyntaxError: invalid syntax"],
    "SyntaxError src/wsgi.py:28",
  ],
  [
    "an error that a library raises, at the app's last line before it",
    [
      "Traceback (most recent call last):",
      `  File "${app}/src/wsgi.py", line 3, in <module>`,
      "    from shop import pages",
      `  File "${app}/src/shop/pages.py", line 7, in <module>`,
      "    connect()",
      '  File "/usr/lib/python3/dist-packages/psycopg2/__init__.py", line 122, in connect',
      "psycopg2.OperationalError: connection failed",
    ],
    "OperationalError src/shop/pages.py:7",
  ],
  [
    "an error of PHP",
    ["PHP Parse error:  syntax error, unexpected end of file in " + app + "/index.php on line 12"],
    "Parse error index.php:12",
  ],
  ["a log without an error", ["starting"], "the check answered 503"],
  ["no log", [], "the check answered 503"],
])("the cause in a few words: %s", (_, log, cause) => {
  expect(shortCause({ message: "the check answered 503", log })).toBe(cause);
});
