// The script that keeps the ports of releases, run on this computer's kernel in a network of its own.
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { releasePorts, renderReleasePorts } from "../../components/render/release-ports.ts";
import { inOwnNetwork } from "../support/own-network.ts";

const { first, last } = releasePorts;

/** Sets a list of an administrator's, runs the script, and tells what `then` says. */
function keep(before: string, then: string): string {
  const list = "/proc/sys/net/ipv4/ip_local_reserved_ports";
  const words = ["sh", "-c", `echo '${before}' > ${list} && sh -c "$1" && sh -c "$1" && ${then}`, "sh", renderReleasePorts()];
  const [program, ...rest] = inOwnNetwork(words);
  const { stdout, stderr } = spawnSync(program, rest, { encoding: "utf8", env: { ...process.env, LIST: list } });
  expect(stderr).toBe("");
  return stdout.trim();
}

test.each([
  ["", `${first}-${last}`],
  ["8080,9000-9010", `8080,9000-9010,${first}-${last}`],
  [`${first + 5}-${last + 5}`, `${first}-${last + 5}`],
])("they are added to what an administrator keeps: '%s'", (before, after) => {
  expect(keep(before, 'cat "$LIST"')).toBe(after);
});

test("no socket gets one of them that names none, and a release's Apache does", () => {
  // All ports that this kernel chooses from are taken, in each of the ways in which a program comes by one.
  const program = `
import socket
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("${last - 30} ${last + 30}")

def connected(kind, address):
    made = socket.socket(type=kind)
    made.connect(address)
    return made

def listening():
    made = socket.socket()
    made.listen()
    return made

def bound():
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    return made

apache = socket.create_server(("127.64.0.1", ${first}))
for make in (listening, bound, lambda: connected(socket.SOCK_DGRAM, ("127.0.0.1", 9)), lambda: connected(socket.SOCK_STREAM, apache.getsockname())):
    held = []
    try:
        while True:
            held.append(make())
    except OSError:
        print(len(held), min(one.getsockname()[1] for one in held))
    socket.create_server(("127.64.0.2", ${last})).close()
    for one in held:
        one.close()
`;
  const ways = keep("", `python3 -c '${program}'`).split("\n");
  expect(ways).toHaveLength(4);
  for (const way of ways) {
    const [count = 0, lowest] = way.split(" ").map(Number);
    // Of an odd number of ports, a kernel may leave out one.
    expect(count).toBeGreaterThanOrEqual(29);
    expect(lowest).toBeGreaterThan(last);
  }
});
