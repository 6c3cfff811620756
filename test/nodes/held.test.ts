// An app that holds whatever a node has once, or so many times: locks of files that others lock as well, terminals, and systemd's ear.
import { afterEach, beforeAll, expect, test } from "vitest";
import { AgentNode, make, saying } from "../support/agent-node.ts";
import { http, poll, ssh } from "../support/nodes.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import type { TestNode } from "../support/nodes.ts";

const suite = useSharedNodes();

/** Both kinds of lock, each of which may be had of a file that can only be read. Where another has one, it is waited for. */
const clinging = `import contextlib, fcntl, json, os, socket, stat, threading

held = []
KINDS = ((fcntl.flock, fcntl.LOCK_EX), (fcntl.lockf, fcntl.LOCK_SH))

def cling(path):
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    held.append(file)
    for lock, kind in KINDS:
        try:
            lock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            threading.Thread(target=lock, args=(file, kind), daemon=True).start()
    return True

def everything():
    """Paths of the files that it could open."""
    walk = (os.path.join(at, name) for top in ("/etc", "/run", "/var") for at, _, names in os.walk(top) for name in names)
    plain = [path for path in walk if os.path.lexists(path) and stat.S_ISREG(os.lstat(path).st_mode)]
    return [path for path in plain if cling(path)]

def terminals():
    """How many it gets, until there is no other."""
    before = len(held)
    with contextlib.suppress(OSError):
        while True:
            held.append(os.open("/dev/ptmx", os.O_RDWR))
    return str(len(held) - before)

def tell():
    """Speaks to systemd without a pause; what came of the first word."""
    def speak(once=False):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as said:
            said.sendto(b"STATUS=here", "/run/systemd/notify")
            while not once:
                said.sendto(b"STATUS=here", "/run/systemd/notify")
    try:
        speak(once=True)
    except OSError as error:
        return error.strerror
    for _ in range(4):
        threading.Thread(target=speak, daemon=True).start()
    return "told"

def reached():
    """Paths of sockets below /run to which it can connect."""
    for at, _, names in os.walk("/run"):
        for path in (os.path.join(at, name) for name in names):
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
                with socket.socket(socket.AF_UNIX, kind) as said, contextlib.suppress(OSError):
                    said.connect(path)
                    yield path

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/json")])
    match environ["PATH_INFO"]:
        case "/terminals":
            return [terminals().encode()]
        case "/tell":
            return [tell().encode()]
        case "/reached":
            return [json.dumps(sorted(reached())).encode()]
        case "/cling":
            return [json.dumps(everything()).encode()]
    return [b"clinging"]
`;

let node: TestNode;
let agent: AgentNode;
let locked: string[];

beforeAll(async () => {
  node = await suite.boot("web1");
  agent = new AgentNode(node);
  await agent.install();
  await agent.converge(["calm", "clinging"]);
  await agent.deploy(make("calm", saying("calm")));
  const processes = { count: 1, threads: 1, memoryBytes: 400_000_000, requests: 5000 };
  await agent.deploy(make("clinging", { "src/wsgi.py": clinging }, { processes }));
  locked = JSON.parse((await ask("clinging", "/cling")).body) as string[];
});
afterEach(() => agent.closeSessions());

const ask = (site: string, path: string) => http(node, path, { Host: `${site}.test` });

test("it has locks of many files", () => {
  expect(locked.length).toBeGreaterThan(100);
  expect(locked).toContain("/etc/passwd");
});

test("a package that asks debconf is configured all the same", async () => {
  await ssh(node, "echo 'silver silver/asked boolean true' | debconf-set-selections");
});

test("Varnish comes back when it was killed", async () => {
  await ssh(node, "systemctl kill --signal=SIGKILL varnish.service");
  await poll("the neighbour serves", 30, async () => (await ask("calm", "/")).body === "calm");
});

test("a person who logs in has a terminal", async () => {
  expect((await ask("clinging", "/terminals")).body).toBe("0");
  expect(await ssh(node, "script --quiet --return --command tty /dev/null")).toContain("/dev/pts/");
});

test("it reaches its own Apache, and no other socket", async () => {
  const reached = JSON.parse((await ask("clinging", "/reached")).body) as string[];
  expect(reached.filter((path) => !path.startsWith("/run/silver/apache/wsgi"))).toEqual([]);
  expect(reached).not.toEqual([]);
});

test("systemd answers, whoever would have it listen", async () => {
  expect((await ask("clinging", "/tell")).body).toBe("No such file or directory");
  expect(await ssh(node, "timeout 10 systemctl is-active varnish.service")).toBe("active");
});
