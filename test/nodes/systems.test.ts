// What components/systems says of a system is what a node of it has.
import { describe, expect, test } from "vitest";
import { systems } from "../../components/systems/systems.ts";
import { ssh, useNodes } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { otherOs, testOs } from "../support/systems.ts";

const suite = useNodes("systems");

describe.each([testOs, otherOs])("%s", (os) => {
  const { python, php } = systems[os];
  let node: TestNode;

  test("boots, as itself", async () => {
    node = await suite.boot(os.replace(/\W/g, "-"), { os });
    expect(await ssh(node, "systemctl is-system-running; . /etc/os-release; echo $ID-$VERSION_ID")).toBe(`running\n${os}`);
  });

  test("has its own packages within reach, of these versions", async () => {
    await ssh(node, "apt-get update -q --error-on=any");
    expect(await ssh(node, "apt-cache policy varnish libapache2-mod-wsgi-py3 | grep -c 'Candidate: [0-9]'")).toBe("2");
    const fpm = await ssh(node, "apt-cache depends php-fpm | grep -o 'php[0-9.]\\+-fpm'");
    expect(fpm).toBe(`php${php}-fpm`);
  });

  test("has a Python and a C library that its wheels fit", async () => {
    const version = await ssh(node, "python3 -c 'import platform; print(platform.python_version())'");
    expect(`${version}.`).toContain(`${python.python}.`);
    const libc = (await ssh(node, "ldd --version | head -n 1 | grep -o '[0-9.]*$'")).split(".").map(Number);
    const needed = python.platform.split("_").slice(-2).map(Number);
    expect(libc[0]).toBe(needed[0]);
    expect(libc[1]).toBeGreaterThanOrEqual(needed[1] ?? Infinity);
  });
});
