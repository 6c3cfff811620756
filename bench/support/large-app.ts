import { hash } from "node:crypto";
import type { Files } from "../../test/support/engine.ts";

const modules = 1000;
const assets = 1000;
/** Modules that the runner imports; the rest stands for what a grown app does not load at start. */
const imported = 50;
/** Bytes of a module and of an asset, about. */
const bytes = 3950;

/** Path of the one file that changes. */
const changingFile = "apps/large/src/greeting.py";

/** The changing file of one release. Its answer to `/` is `release`. */
export const greetingOf = (release: string): Files => ({ [changingFile]: `GREETING = "${release}"\n` });

/**
 * A Flask app of 2,003 files and 7.9 MB, half of them Python, the other half static. `/fast` takes 10 ms, `/slow` 3 s.
 * The bytes are the same every time.
 */
export function largeApp(): Files {
  const name = (index: number) => String(index).padStart(4, "0");
  return {
    "apps/large/app.yaml": "name: large\nrunner: src/wsgi.py\npackages: [python3-flask]\nprocesses: { count: 2, threads: 4 }\n",
    "apps/large/src/wsgi.py": runner(name),
    ...greetingOf("release 0"),
    ...Object.fromEntries(
      Array.from({ length: modules }, (_, index) => [`apps/large/src/part_${name(index)}.py`, python(index)]),
    ),
    ...Object.fromEntries(
      Array.from({ length: assets }, (_, index) => [
        `apps/large/static/asset-${name(index)}.txt`,
        noise(`asset ${index}`, bytes),
      ]),
    ),
  };
}

const runner = (name: (index: number) => string) => `import time

from flask import Flask

import greeting
${Array.from({ length: imported }, (_, index) => `import part_${name(index)}\n`).join("")}
application = Flask(__name__)


@application.route("/")
def home():
    return greeting.GREETING


@application.route("/fast")
def fast():
    time.sleep(0.01)
    return "fast"


@application.route("/slow")
def slow():
    time.sleep(3)
    return "slow"
`;

/** A module of functions with many short lines, as real code has. */
function python(index: number): string {
  let text = `"""Part ${index}."""\n`;
  for (let each = 0; text.length < bytes; each++) {
    text += `

def step_${each}(value, limit=${each}):
    """${noise(`${index} ${each}`, 60)}"""
    result = [item * ${each + 1} for item in range(value) if item > limit]
    return {"sum": sum(result), "part": ${index}}
`;
  }
  return text;
}

/** Text of the given number of characters that does not compress away. */
function noise(seed: string, length: number): string {
  let text = "";
  for (let block = 0; text.length < length; block++) {
    text += hash("sha512", `${seed} ${block}`, "base64url");
  }
  return text.slice(0, length);
}
