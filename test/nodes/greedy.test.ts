// An app that takes all it can get, beside one that asks for nothing: what it gets, and that the other never notices.
import { afterEach, beforeAll, expect, test } from "vitest";
import { AgentNode, make, saying } from "../support/agent-node.ts";
import { http, poll, ssh, useNodes, webPackages } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";

const suite = useNodes("greedy");

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
  node = await suite.boot("greedy", { prepared: webPackages });
  agent = new AgentNode(node);
  await agent.install();
  await agent.converge(["calm", "greedy"]);
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
  // 5 x 35 threads of Apache, 2 processes of 1 + 4 threads, 128 of its own; 2 x 200 MB, Apache's 256 MiB and as much for /tmp.
  expect(await ssh(node, `systemctl show -p TasksMax -p MemoryMax $(${unit})`)).toBe(
    `MemoryMax=${400_000_000 + 512 * 1024 ** 2}\nTasksMax=${5 * 35 + 10 + 128}`,
  );
});
