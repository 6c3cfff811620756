// An app that takes all it can get, beside one that asks for nothing: what it gets, and that the other never notices.
import { afterEach, beforeAll, expect, test } from "vitest";
import { AgentNode, make, saying } from "../support/agent-node.ts";
import { http, poll, ssh } from "../support/nodes.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import type { TestNode } from "../support/nodes.ts";

const suite = useSharedNodes();

const greedy = `import os, sys

def fill(path):
    """Megabytes until there is no more; two gigabytes would be the node's own disk or memory."""
    written = 0
    try:
        with open(path, "wb", buffering=0) as file:
            while written < 2048:
                file.write(bytes(1 << 20))
                written += 1
    except OSError as error:
        return f"{written} {error.strerror}"
    finally:
        os.unlink(path)
    return f"{written} and no end"

def allocate():
    held = []
    try:
        while len(held) < 64:
            held.append(bytearray(b"x" * (16 << 20)))
    except MemoryError:
        return f"{len(held) * 16} refused"
    return f"{len(held) * 16} and no end"

def tell():
    for _ in range(100_000):
        print("greedy" * 100, file=sys.stderr)
    return "told"

def application(environ, start_response):
    match environ["PATH_INFO"].strip("/").split("/", 1):
        case ["fill", path]:
            body = fill("/" + path)
        case ["memory"]:
            body = allocate()
        case ["log"]:
            body = tell()
        case _:
            body = "greedy"
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [body.encode()]
`;

let node: TestNode;
let agent: AgentNode;

beforeAll(async () => {
  node = await suite.boot("web1");
  agent = new AgentNode(node);
  await agent.install();
  await agent.converge(["calm", "greedy", "worn"]);
  await agent.deploy(make("calm", saying("calm", 'import sys\nprint("calm is here", file=sys.stderr)')));
  const limits = { processes: { count: 2, threads: 1, memoryBytes: 200_000_000, requests: 5000 } };
  const timeouts = { timeouts: { requestSeconds: 60, startSeconds: 20, drainSeconds: 10 } };
  await agent.deploy(make("greedy", { "src/wsgi.py": greedy }, { ...limits, ...timeouts }));
});
afterEach(() => agent.closeSessions());

const ask = (site: string, path: string) => http(node, path, { Host: `${site}.test` });

/** What the greedy app answered, while the calm one was asked without a pause. */
async function meanwhile(path: string): Promise<{ said: string; calm: number[] }> {
  const over = new AbortController();
  const calm: number[] = [];
  const load = (async () => {
    do calm.push((await ask("calm", `/?${calm.length}`)).status);
    while (!over.signal.aborted);
  })();
  try {
    return { said: (await ask("greedy", path)).body, calm };
  } finally {
    over.abort();
    await load;
  }
}

test.each([
  ["its /tmp", "/fill/tmp/large", /^(?:24\d|25[0-6]) No space left on device$/],
  ["shared memory", "/fill/dev/shm/large", /^6[0-4] No space left on device$/],
  ["its memory", "/memory", /^(?:16|32|48|64|80|96|112|128|144|160|176) refused$/],
  ["its log", "/log", /^told$/],
])("an app that eats %s is stopped there, and its neighbour answers throughout", async (_, path, expected) => {
  const { said, calm } = await meanwhile(path);
  expect(said).toMatch(expected);
  expect(calm.length).toBeGreaterThan(3);
  expect(calm.filter((status) => status !== 200)).toEqual([]);
  await poll("the greedy one is back", 20, async () => (await ask("greedy", "/")).body === "greedy");
});

test("a log without end hides no line of the neighbour", async () => {
  await agent.deploy(make("calm", saying("calm two", 'import sys\nprint("calm is here again", file=sys.stderr)')));
  await poll("the journal tells it", 10, async () =>
    (await ssh(node, "journalctl -t silver-web-calm -o cat --no-pager")).includes("calm is here again"),
  );
});

test("its limits of processes and memory are set in the kernel", async () => {
  const unit = "systemctl list-units --plain --no-legend 'silver-web-greedy@*' | cut -d' ' -f1";
  // 224 workers of Apache and 16 tasks besides, 2 processes of 1 + 4 threads and one that waits, 128 of its own; 3 x 200 MB,
  // Apache's 256 MiB and as much for /tmp.
  expect(await ssh(node, `systemctl show -p TasksMax -p MemoryMax $(${unit})`)).toBe(
    `MemoryMax=${600_000_000 + 512 * 1024 ** 2}\nTasksMax=${224 + 16 + 15 + 128}`,
  );
});

test("processes are replaced one after another at the end of their requests, and near that of their memory, and every request is answered", async () => {
  const worn = `import os
BAG = []

def application(environ, start_response):
    if environ["PATH_INFO"] == "/leak":
        BAG.append(bytearray(1 << 20))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
`;
  const processes = { count: 3, threads: 2, memoryBytes: 200_000_000, requests: 200 };
  await agent.deploy(make("worn", { "src/wsgi.py": worn }, { processes }));
  const askUntilReplaced = async (path: string) => {
    const seen = new Set<string>();
    const over = new AbortController();
    const visitors = Array.from({ length: 6 }, async () => {
      for (let turn = 0; !over.signal.aborted; turn++) {
        const { status, body } = await ask("worn", `${path}?${turn}`);
        if (status !== 200) throw new Error(`status ${status}: ${body}`);
        seen.add(body);
      }
    });
    const replaced = poll("seven processes have answered", 60, () => seen.size >= 7).finally(() => {
      over.abort();
    });
    await Promise.all([replaced, ...visitors]);
  };
  await askUntilReplaced("/");
  await ssh(node, "journalctl --sync");
  const told = await ssh(node, "journalctl -t silver-web-worn -o cat --no-pager");
  const events = [...told.matchAll(/\(pid=(\d+)\): Process (eviction requested|'app' has died)/g)].map(([, pid, what]) => ({
    pid,
    what,
  }));
  const leaving = events.filter(({ what }) => what === "eviction requested");
  // Four have come to their end; the last of them may not have said so yet.
  expect(leaving.length).toBeGreaterThanOrEqual(3);
  // Each has ended before the next one begins to.
  for (const one of leaving.slice(0, -1)) expect(events[events.indexOf(one) + 1]?.pid).toBe(one.pid);
  // This leak may be too quick for each to wait for its turn.
  await askUntilReplaced("/leak");
});
