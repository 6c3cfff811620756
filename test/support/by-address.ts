// A site's server that listens on an address of its own, and what users of its node try there.
import { expect } from "vitest";
import { poll, ssh } from "./nodes.ts";
import type { TestNode } from "./nodes.ts";
import type { Project } from "./project.ts";

export interface Place {
  host: string;
  port: string;
}

/** Not in root's directory: before PostgreSQL 16, psql as another user complains of it. */
export const onNode = (node: TestNode, command: string, input?: string) => ssh(node, `cd /; ${command}`, input);

/** What a command as a user of the node says, right or wrong, with its exit code. */
export const asUser = (node: TestNode, user: string, command: string) =>
  onNode(node, `runuser -u ${user} -- sh -c '${command}' 2>&1; echo "exit code $?"`);

/** A program that connects, as a user, and says what comes of it. */
export const dial = (node: TestNode, user: string, { host, port }: Place) =>
  asUser(node, user, `python3 -c "import socket; socket.create_connection((\\"${host}\\", ${port}), 5)"`);

/** Another site listens on the address while the server is down: the site whose server it is must not hear it. */
export async function expectUnheard(node: TestNode, unit: string, { host, port }: Place): Promise<void> {
  await onNode(node, `systemctl stop ${unit}`);
  const impostor = `import socket; s = socket.socket(); s.setsockopt(1, 2, 1); s.bind((\\"${host}\\", ${port})); s.listen(); s.settimeout(20); s.accept()`;
  const said = asUser(node, "site-two", `python3 -c "${impostor}"`);
  await poll("it listens", 10, async () => (await onNode(node, `ss -Hltn sport = :${port}`)) !== "");
  expect(await dial(node, "site-one-a", { host, port })).toMatch(/timed out[^]*exit code 1/);
  expect(await said).toMatch(/timed out/);
  await onNode(node, `systemctl start ${unit}`);
}

/** The site's password is in no output, state, process, log and unit, and in no file but root's record and what its releases are told. */
export async function expectHidden(project: Project, node: TestNode, password: string, record: string): Promise<void> {
  expect(JSON.stringify(await project.engine.exportState())).not.toContain(password);
  expect(await project.engine.preview("--diff")).not.toContain(password);
  const { lines, files } = await whereIs(node, password);
  expect(lines).toEqual([0, 0, 0, 0]);
  expect(files).toEqual([record, expect.stringMatching(/^\/srv\/silver\/one-a\/releases\/[^/]+\/environ\.json$/)]);
  expect(await onNode(node, `stat -c '%a %U' ${record}`)).toBe("600 root");
  expect(await asUser(node, "site-two", "cat /srv/silver/one-a/releases/*/environ.json")).toMatch(
    /No such file|Permission denied/,
  );
}

/** How many lines of processes, logs and units have a secret, and all files that do. */
async function whereIs(node: TestNode, secret: string) {
  await onNode(node, "install -m 600 /dev/stdin /dev/shm/planted", `${secret}\n`);
  const lines: number[] = [];
  for (const place of [
    "cat /proc/[0-9]*/environ",
    "cat /proc/[0-9]*/cmdline",
    "journalctl --all --output=export",
    "systemctl show '*'",
  ])
    lines.push(Number(await onNode(node, `(${place}) 2>/dev/null | grep -acFf /dev/shm/planted || true`)));
  const files = await onNode(
    node,
    "grep -rlaFf /dev/shm/planted /etc /root /run /srv /tmp /usr/local /var 2>/dev/null | sort; rm /dev/shm/planted",
  );
  return { lines, files: files.split("\n") };
}

/** As a user, takes every place at the address by connections that say nothing, until the unit `flood` is stopped. */
export async function floodAs(node: TestNode, user: string, { host, port }: Place) {
  const flood = `import socket, time
end = time.monotonic() + 120
held = []
while time.monotonic() < end:
    try:
        held.append(socket.create_connection(("${host}", ${port}), 1))
    except OSError:
        time.sleep(0.01)
    del held[:-400]
`;
  await onNode(node, "install -m 644 /dev/stdin /usr/local/share/flood.py", flood);
  await onNode(node, `systemd-run --quiet --unit=flood --property=User=${user} python3 /usr/local/share/flood.py`);
}
