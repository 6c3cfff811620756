// The package that apps of 2010 import, as one of them does.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { silverSupport } from "../../components/platforms/python/silversupport.ts";

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "silver-support-"));
  for (const { path, content } of silverSupport("debian-12")) {
    const place = join(root, path);
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, content);
  }
  writeFileSync(join(root, "secret.txt"), "0123456789abcdef\n");
});

afterEach(() => {
  rmSync(root, { recursive: true });
});

/** What a program of an app prints on a node; `first` goes before the system's packages, as an app's own do. */
function python(program: string, variables: Record<string, string> = {}, first: string[] = []): string {
  const env = {
    PATH: process.env.PATH,
    PYTHONPATH: [...first, join(root, "usr/local/lib/python3.11/dist-packages")].join(":"),
    PYTHONDONTWRITEBYTECODE: "1",
    SILVER_VERSION: "silverlining/1.0",
    SILVER_SECRET_FILE: join(root, "secret.txt"),
    SILVER_CANONICAL_HOSTNAME: "blog.test",
    SILVER_MATCH_PATH: "/",
    SILVER_INSTANCE_NAME: "1.0.0-3fa2c1d0.c7b19e02",
    ...variables,
  };
  const { status, stdout, stderr } = spawnSync("python3", ["-c", program], { env, encoding: "utf8" });
  expect(status, stderr).toBe(0);
  return stdout.trim();
}

test("an app signs with the site's key, and knows that it is in production", () => {
  const app = `from silversupport.env import is_production
from silversupport.secret import get_secret
import hashlib, hmac
print(is_production(), get_secret(), len(hmac.new(get_secret().encode(), b"cookie", hashlib.sha256).hexdigest()))`;
  expect(python(app)).toBe("True 0123456789abcdef 64");
  expect(python(app, { SILVER_VERSION: "devel/1.0" })).toBe("False 0123456789abcdef 64");
  expect(python("from silversupport.env import *; print(is_production())", { SILVER_VERSION: "" })).toBe("False");
});

test("what was signed before the key was rotated can be checked", () => {
  const app = "from silversupport.secret import *; print(get_secret(), get_previous_secret())";
  expect(python(app)).toBe("0123456789abcdef None");
  writeFileSync(join(root, "secret.txt.previous"), "fedcba9876543210\n");
  expect(python(app)).toBe("0123456789abcdef fedcba9876543210");
});

test("locations are taken apart, and an app finds its own release alone", () => {
  expect(
    python(`from silversupport.appdata import normalize_location, normalize_locations, instance_for_location
print(normalize_location("http://blog.test"), normalize_locations(["https://blog.test/a/b", "blog.test"], None))
print(instance_for_location("blog.test"), instance_for_location("blog.test", "/a"), instance_for_location("other.test"))`),
  ).toBe("('blog.test', '/') [('blog.test', '/a/b'), ('blog.test', None)]\n1.0.0-3fa2c1d0.c7b19e02 None None");
});

test("an app that brings a package of this name has its own", () => {
  const own = join(root, "app/lib/python");
  mkdirSync(join(own, "silversupport"), { recursive: true });
  writeFileSync(join(own, "silversupport/__init__.py"), "");
  writeFileSync(join(own, "silversupport/env.py"), "def is_production():\n    return 'its own'\n");
  expect(python("from silversupport.env import is_production; print(is_production())", {}, [own])).toBe("its own");
});
