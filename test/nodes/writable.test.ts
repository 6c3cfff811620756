// Every place that an app can write to stands in docs/services.md, is its own, and is of a size that the kernel enforces.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TestNode } from "../support/nodes.ts";
import { RolloutSite, sshAgent } from "../support/rollout-site.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";

/**
 * Lists as JSON where the process may write: directories, not what is below them, and files. Devices, pipes and sockets hold nothing, and
 * neither do the files by which any process asks the kernel to tell it of pressure.
 */
const walker = `import json, os, stat
places, todo = [], ["/"]
own = {"self", "thread-self", *filter(str.isdigit, os.listdir("/proc"))}
while todo:
    directory = todo.pop()
    try:
        entries = list(os.scandir(directory))
    except OSError:
        entries = []
    for entry in entries:
        # What /proc has of its own processes is of the same user.
        pressure = directory == "/proc/pressure" or entry.name == "memory.pressure"
        if entry.is_symlink() or pressure or (directory == "/proc" and entry.name in own):
            continue
        mode = entry.stat(follow_symlinks=False).st_mode
        if not (stat.S_ISDIR(mode) or stat.S_ISREG(mode)):
            continue
        if os.access(entry.path, os.W_OK):
            room = os.statvfs(entry.path)
            places.append({
                "path": entry.path, "device": os.stat(entry.path).st_dev, "files": room.f_files,
                "megabytes": room.f_blocks * room.f_frsize / 2**20,
            })
        elif stat.S_ISDIR(mode):
            todo.append(entry.path)
import socket
def reaches(path):
    with socket.socket(socket.AF_UNIX) as bus:
        try:
            bus.connect(path)
            return True
        except OSError:
            return False
bus = [path for path in ("/run/dbus/system_bus_socket", "/run/systemd/private") if reaches(path)]
print(json.dumps({"bus": bus, "places": places, "root": os.stat("/").st_dev, "var": os.stat("/var/log").st_dev, "run": os.stat("/run").st_dev}))
`;
const wsgi = `import subprocess
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    return [subprocess.run(["/usr/bin/python3", "walker.py"], check=True, capture_output=True).stdout]
`;
const php = '<?php header("Content-Type: application/json"); passthru("/usr/bin/python3 ../walker.py 2>&1");\n';

interface Found {
  places: { path: string; device: number; files: number; megabytes: number }[];
  /** Sockets it reaches, on which systemd would start programs outside of the app's unit. */
  bus: string[];
  root: number;
  var: number;
  run: number;
}

const suite = useSharedNodes();
const sites: RolloutSite[] = [];
let node: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;

beforeAll(async () => {
  node = await suite.boot("web1");
  agent = await sshAgent(node.keyFile);
});
afterAll(async () => {
  for (const site of sites) site.remove();
  await agent.stop();
});

/** Place → the most it holds in MB, as the docs say it of the site `my-blog`. */
const documented = (): Map<string, number> => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/services.md"), "utf8");
  const section = /^## Where an app can write\n([^]*?)^## /m.exec(page)?.[1] ?? "";
  const rows = [...section.matchAll(/^\| `(\/[^`]+)` +\| ([\d.]+) (MB|GB)/gm)];
  return new Map(rows.map(([, path = "", size, unit]) => [path, Number(size) * (unit === "GB" ? 1024 : 1)]));
};

/** What the app of a new site can write to. */
async function places(name: string, files: Record<string, string>, manifest: string): Promise<Found> {
  const site = new RolloutSite(name, [node], agent.socket);
  sites.push(site);
  site.writeEnvironment("config: {KEY: {secret: 1}}");
  site.write(
    `apps/${name}/app.yaml`,
    `name: ${name}
version: 1.0.0
${manifest}
config: {required: {KEY: a secret}}
check: {path: /, within: 30s}
services: {db: {type: postgres}, files: {quota: 2G}}
`,
  );
  site.write(`apps/${name}/walker.py`, walker);
  for (const [path, text] of Object.entries(files)) site.write(`apps/${name}/${path}`, text);
  await site.setUp();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  const { body } = await site.get(node);
  return JSON.parse(body) as Found;
}

test.each([
  ["python", { "wsgi.py": wsgi }, "runner: wsgi.py"],
  ["php", { "www/index.php": php }, "php_root: www"],
])("an app in %s writes where the docs say, and no more than they say", async (name, files, manifest) => {
  const found = await places(`write-${name}`, files, manifest);
  expect(found.bus).toEqual([]);
  const expected = documented();
  expect(expected.size).toBeGreaterThan(5);
  const named = found.places.map(({ path, ...rest }) => ({
    ...rest,
    path: path.replace(`write-${name}`, "my-blog").replace(/^(\/run\/silver\/).*-php$/, "$1NAME-php"),
  }));
  const elsewhere = name === "php" ? "/run/silver/apache" : "/run/silver/NAME-php";
  expect(named.map(({ path }) => path).sort()).toEqual([...expected.keys()].filter((path) => path !== elsewhere).sort());
  for (const { path, device, megabytes, files: inodes } of named) {
    expect([found.root, found.var, found.run], `${path} is on a file system of its own`).not.toContain(device);
    expect(megabytes, path).toBeLessThanOrEqual(expected.get(path) ?? 0);
    expect(inodes, path).toBeLessThanOrEqual(Math.max(1024, megabytes * 256));
  }
});
