// Every place that an app can write to stands in docs/services.md, is its own, and is of a size that the kernel enforces; and what an app
// reaches besides: neither systemd, the journal, nor processes outside of its unit.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { poll, ssh } from "../support/nodes.ts";
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
print(json.dumps({"places": places, "root": os.stat("/").st_dev, "var": os.stat("/var/log").st_dev, "run": os.stat("/run").st_dev}))
`;

/** Lists as JSON what the process reaches of the node, and of the processes whose ids it is given. */
const reacher = `import json, os, socket, sys
reached = []
def reach(what, attempt):
    try:
        attempt()
        reached.append(what)
    except OSError:
        pass
def connect(path, kind):
    with socket.socket(socket.AF_UNIX, kind) as other:
        other.connect(path)
def socket_at(path):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        reach(path, lambda: connect(path, kind))
for path in ("dbus/system_bus_socket", *("systemd/" + name for name in ("private", "notify", "journal/socket", "journal/dev-log", "journal/stdout"))):
    socket_at("/run/" + path)
socket_at("/dev/log")
for process in sys.argv[1].split(","):
    for name, attempt in (("root", os.listdir), ("cwd", os.listdir), ("mem", lambda path: open(path, "r+b")), ("environ", open)):
        path = f"/proc/{process}/{name}"
        reach(path, lambda: attempt(path + "/" if attempt is os.listdir else path))
print(json.dumps(reached))
`;
const wsgi = `import logging, logging.handlers, os, subprocess, sys, syslog, urllib.parse
def application(environ, start_response):
    asked = urllib.parse.parse_qs(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "application/json")])
    if "say" in asked:
        syslog.syslog(syslog.LOG_ERR, "by syslog")
        logging.getLogger("system").addHandler(logging.handlers.SysLogHandler("/dev/log"))
        logging.getLogger("system").error("by a handler")
        print("printed by the app", file=sys.stderr)
        os.write(2, b"<0>to every terminal\\n")
        return [b"said"]
    script = ["reacher.py", *asked["reach"]] if "reach" in asked else ["walker.py"]
    return [subprocess.run(["/usr/bin/python3", *script], check=True, capture_output=True).stdout]
`;
const php = `<?php
header("Content-Type: application/json");
if (isset($_GET["say"])) {
    openlog("app", LOG_CONS, LOG_USER);
    syslog(LOG_ERR, "by syslog");
    error_log("printed by the app");
    file_put_contents("php://stderr", "<0>to every terminal\n");
    echo "said";
} else {
    $script = isset($_GET["reach"]) ? "reacher.py " . escapeshellarg($_GET["reach"]) : "walker.py";
    passthru("/usr/bin/python3 ../$script 2>&1");
}
`;

interface Found {
  places: { path: string; device: number; files: number; megabytes: number }[];
  root: number;
  var: number;
  run: number;
}

const apps = {
  python: ["wsgi.py", wsgi, "runner: wsgi.py"],
  php: ["www/index.php", php, "php_root: www"],
} as const;

const suite = useSharedNodes();
let node: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;

beforeAll(async () => {
  node = await suite.boot("web1");
  agent = await sshAgent(node.keyFile);
});
afterAll(async () => {
  await agent.stop();
});

/** Place → the most it holds in MB, as the docs say it of the site `my-blog`. */
const documented = (): Map<string, number> => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/services.md"), "utf8");
  const section = /^## Where an app can write\n([^]*?)^## /m.exec(page)?.[1] ?? "";
  const rows = [...section.matchAll(/^\| `(\/[^`]+)` +\| ([\d.]+) (MB|GB)/gm)];
  return new Map(rows.map(([, path = "", size, unit]) => [path, Number(size) * (unit === "GB" ? 1024 : 1)]));
};

describe.each(Object.entries(apps))("an app in %s", (platform, [file, text, manifest]) => {
  let site: RolloutSite;

  beforeAll(async () => {
    const name = `write-${platform}`;
    site = new RolloutSite(name, [node], agent.socket);
    site.writeEnvironment("config: {KEY: {secret: 1}}");
    site.write(
      `apps/${name}/app.yaml`,
      `name: ${name}
version: 1.0.0
${manifest}
config: {required: {KEY: a secret}}
check: {path: /, within: 30s}
services: {db: {type: postgres}, files: {quota: 2G}, writable_root: {quota: 1G}}
`,
    );
    site.write(`apps/${name}/walker.py`, walker);
    site.write(`apps/${name}/reacher.py`, reacher);
    site.write(`apps/${name}/${file}`, text);
    await site.setUp();
    const { code, stderr } = await site.deploy();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => {
    site.remove();
  });

  test("writes where the docs say, and no more than they say", async () => {
    const found = JSON.parse((await site.get(node)).body) as Found;
    const expected = documented();
    expect(expected.size).toBeGreaterThan(5);
    const named = found.places.map(({ path, ...rest }) => ({
      ...rest,
      path: path.replace(site.name, "my-blog").replace(/^(\/run\/silver\/).*-php$/, "$1NAME-php"),
    }));
    const elsewhere = platform === "php" ? "/run/silver/apache" : "/run/silver/NAME-php";
    expect(named.map(({ path }) => path).sort()).toEqual([...expected.keys()].filter((path) => path !== elsewhere).sort());
    for (const { path, device, megabytes, files: inodes } of named) {
      expect([found.root, found.var, found.run], `${path} is on a file system of its own`).not.toContain(device);
      expect(megabytes, path).toBeLessThanOrEqual(expected.get(path) ?? 0);
      expect(inodes, path).toBeLessThanOrEqual(Math.max(1024, megabytes * 256));
    }
  });

  test("reaches neither systemd, the journal, nor what else its user runs on the node", async () => {
    await ssh(node, `systemd-run --quiet --unit=outside --uid=site-${site.name} --working-directory=/etc sleep 600`);
    try {
      const outside = await ssh(node, "systemctl show -P MainPID outside");
      expect(JSON.parse((await site.get(node, `/?reach=${outside}`)).body)).toEqual([]);
    } finally {
      await ssh(node, "systemctl stop outside");
    }
  });

  test("goes on when it logs to syslog, and what it prints is in its log", async () => {
    expect((await site.get(node, "/?say=1")).body).toBe("said");
    const asked = JSON.stringify({ site: site.name, release: null, lines: 100, kind: "app" });
    const lines = await poll("the log has it", 10, async () => {
      const told = JSON.parse(await ssh(node, "silver-agent logs", asked)) as { lines: string[] };
      return told.lines.some((line) => line.includes("to every terminal")) ? told.lines.join("\n") : undefined;
    });
    expect(lines).toMatch(/: printed by the app$/m);
    // Not taken for the level of a message that is shown on each terminal.
    expect(lines).toMatch(/: <0>to every terminal$/m);
    expect(lines).not.toContain("by syslog");
    // Python says in the log what its handler could not pass on.
    expect(lines.includes("Message: 'by a handler'")).toBe(platform === "python");
  });
});
