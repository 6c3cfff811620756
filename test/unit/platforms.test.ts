import { globSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { manifestSchema } from "../../components/manifest/schema.ts";
import type { Served } from "../../components/platforms/platform.ts";
import { platformNames, platformOf, platforms } from "../../components/platforms/registry.ts";

const site: Served = {
  name: "blog",
  runner: "src/main",
  processes: { count: 2, threads: 1, memoryBytes: 1024 ** 2, requests: 100 },
  timeouts: { requestSeconds: 10, startSeconds: 30, drainSeconds: 60 },
  limits: { bodyBytes: 64 * 1024 ** 2 },
};

describe.each(platformNames)("%s", (name) => {
  const platform = platforms[name];

  test("is what a manifest that names it is", () => {
    expect(platformOf({ platform: name })).toBe(name);
  });

  test("has keys that the manifest has, and needs some of them", () => {
    expect(Object.keys(manifestSchema.shape)).toEqual(expect.arrayContaining([...Object.keys(platform.keys), ...platform.needs]));
  });

  test("runs processes where it needs something to run, and gives them room", () => {
    const { tasks, memoryBytes } = platform.limits(site.processes);
    expect(platform.hasProcesses).toBe(platform.needs.length > 0);
    expect(tasks > 0 && memoryBytes > 0).toBe(platform.hasProcesses);
  });

  test("names each of its files once, and none as its units", () => {
    const units = platform.units(site).map(({ role }) => `${role}.service`);
    const checker = platform.checker?.("bin/check", "config");
    const names = [...platform.files(site), ...(checker?.files ?? [])].map((file) => file.name);
    const all = ["apache.conf", "site.vcl", "web.service", "check.service", ...names, ...units];
    expect(all).toEqual([...new Set(all)]);
  });

  test("runs a checker where it runs an app", () => {
    expect(platform.checker !== undefined).toBe(platform.hasProcesses);
  });
});

test("an app is of the platform that its code shows", () => {
  expect(platformOf({ runner: "src/wsgi.py" })).toBe("python");
  expect(platformOf({ runner: "index.php" })).toBe("php");
  expect(platformOf({ php_root: "www" })).toBe("php");
  expect(platformOf({})).toBe("python");
});

test("no file but those of platforms asks which platform it is", () => {
  const named = new RegExp(`(?:[!=]==|case) "(?:${platformNames.join("|")})"|"(?:${platformNames.join("|")})" [!=]==`);
  const asking = globSync("{components,cli,stacks}/**/*.ts").filter((file) => named.test(readFileSync(file, "utf8")));
  expect(asking.filter((file) => !file.startsWith("components/platforms/"))).toEqual([]);
  expect(named.test('if (site.platform === "php")')).toBe(true);
});
