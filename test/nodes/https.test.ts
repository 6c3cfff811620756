// HTTPS by the checkout's own authority: what visitors get, what apps see, and what stays closed to apps.
import { execFileSync, spawnSync } from "node:child_process";
import { hash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent } from "node:https";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBrowser } from "../support/browser.ts";
import { certificateFor, drops, http2, https } from "../support/https.ts";
import type { Place } from "../support/https.ts";
import { visitor } from "../support/load.ts";
import { http, poll, reboot, ssh, trySsh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { resourceCounts, withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

/** Tells what an app sees of a request, and what it can open. */
const app = `import json, os, socket, time, urllib.request

def tried(work):
    try:
        work()
        return "opened"
    except OSError as error:
        return type(error).__name__

def connect(path):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(path)

def find(environ):
    if environ["PATH_INFO"] == "/ask":
        headers = {"Host": os.environ["APP_WIKI_HOST"]}
        return json.load(urllib.request.urlopen(urllib.request.Request(os.environ["APP_WIKI_URL"], headers=headers), timeout=10))
    if environ["PATH_INFO"] == "/open":
        files = ["/var/lib/silver/authority.pem", "/var/lib/silver/https/@node.pem", "/var/lib/silver/https/blog.pem", "/var/lib/silver/https/crt-list", "/var/lib/silver/https.json"]
        sockets = ["/run/silver-https/admin", "/var/lib/varnish/silver-tls.sock"]
        return {**{path: tried(lambda: open(path).close()) for path in files}, **{path: tried(lambda: connect(path)) for path in sockets}}
    return {name: environ.get(name) for name in ("wsgi.url_scheme", "HTTPS", "REMOTE_ADDR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_FOR", "HTTP_HOST")}

def application(environ, start_response):
    if environ["PATH_INFO"] == "/drops":
        start_response("200 OK", [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")])
        return (time.sleep(0.5) or b"data: drop\\n\\n" for _ in range(4))
    if environ["PATH_INFO"] == "/count":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [str(len(environ["wsgi.input"].read())).encode()]
    body = json.dumps(find(environ)).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
`;
const environment = (os: string) => `https: { authority: local, hsts: 180d }
nodes:
  web1: { local: true, os: ${os} }
sites:
  blog: { app: apps/blog, nodes: [web1], locations: [blog.test, .acme.test] }
  wiki: { app: apps/wiki, nodes: [web1], locations: ["*/wiki"] }
`;

let project: Project;
let node: TestNode;
let blog: Place;

/** `silver` in the project. */
const silver = (...words: string[]) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["cli/main.ts", ...words], {
    cwd: project.root,
    env: project.engine.environment,
    encoding: "utf8",
  });
  return { status, said: stdout + stderr };
};

const seen = async (place: Place, path = "/", headers: Record<string, string> = {}): Promise<Record<string, string>> =>
  JSON.parse((await https(place, path, headers)).body) as Record<string, string>;

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    project = await withProject({
      "apps/blog/app.yaml": "name: blog\nrunner: wsgi.py\nservices: {wiki: {type: app}}\n",
      "apps/blog/wsgi.py": app,
      "apps/blog/static/large.bin": "silver\n".repeat(3 * 1024 ** 2),
      "apps/wiki/app.yaml": "name: wiki\nrunner: wsgi.py\n",
      "apps/wiki/wsgi.py": app,
      "stacks/test.yaml": environment(os),
    });
    await project.prepare("web1", { os });
    const output = await project.engine.up();
    expect(output).toContain("blog: live.");
    node = await project.node("web1");
    const ca = readFileSync(join(project.root, ".silver/authority.crt"), "utf8");
    blog = { address: node.address, host: "blog.test", ca };
  });

  afterAll(async () => {
    await project.remove();
  });

  test("each name gets its own certificate, and addresses and other names the node's", async () => {
    const names = async (host: string) => (await certificateFor({ ...blog, host })).subjectaltname;
    expect(await names("blog.test")).toBe("DNS:acme.test, DNS:*.acme.test, DNS:blog.test");
    expect(await names("www.acme.test")).toBe(await names("blog.test"));
    expect(await names(node.address)).toContain(`IP Address:${node.address}`);
    await expect(certificateFor({ ...blog, host: "shop.test" })).rejects.toThrow("does not match");
    expect(await seen({ ...blog, host: node.address }, "/wiki")).toMatchObject({ "wsgi.url_scheme": "https" });
  });

  test("an app sees https and the visitor, whatever that one says", async () => {
    const lies = { "X-Forwarded-Proto": "http", "X-Forwarded-For": "192.0.2.1" };
    const [, here = ""] = /src (\S+)/.exec(await ssh(node, "ip route get $(echo $SSH_CLIENT | cut -d' ' -f1)")) ?? [];
    expect(here).toBe(node.address);
    const mine = await ssh(node, "echo $SSH_CLIENT | cut -d' ' -f1");
    const expected = { "wsgi.url_scheme": "https", HTTPS: "on", REMOTE_ADDR: mine, HTTP_X_FORWARDED_PROTO: "https" };
    expect(await seen(blog)).toMatchObject(expected);
    expect(await seen(blog, "/x", lies)).toMatchObject({ ...expected, HTTP_X_FORWARDED_FOR: mine });
    expect((await https(blog)).headers["strict-transport-security"]).toBe("max-age=15552000");
  });

  test("HTTP/2 is spoken, and a WebSocket is refused in words", async () => {
    const { status, body } = await http2(blog, "/two");
    expect([status, JSON.parse(body)]).toMatchObject([200, { "wsgi.url_scheme": "https", HTTP_HOST: "blog.test" }]);
    const upgrade = {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    };
    const refused = await https(blog, "/", upgrade);
    expect([refused.status, refused.body]).toEqual([501, expect.stringContaining("WebSocket")]);
  });

  test("who comes by http is sent to https, and the node itself and other sites are not", async () => {
    const { status, headers } = await http(node, "/a//b?c=d", { Host: "Blog.test:80" }, Buffer.from("x"));
    expect([status, headers.location, headers["cache-control"]]).toEqual([308, "https://blog.test/a/b?c=d", "no-store"]);
    expect((await http(node, "/", { Host: "blog.test/evil" })).headers.location).toBeUndefined();
    const told = await ssh(node, "curl -si -H 'Host: blog.test' http://127.0.0.1/");
    expect(told).toContain("200 OK");
    expect(told).toContain('"wsgi.url_scheme": "http"');
    expect(told).not.toContain("Strict-Transport-Security");
    expect(await seen(blog, "/ask")).toMatchObject({ "wsgi.url_scheme": "http", REMOTE_ADDR: "127.0.0.1" });
  });

  test("an app reaches neither a key nor what the terminator and Varnish speak by", async () => {
    const tried = await seen(blog, "/open");
    expect(Object.keys(tried)).toHaveLength(7);
    expect(Object.values(tried).filter((how) => how === "opened")).toEqual([]);
    const asUser = (words: string) => trySsh(node, `runuser -u site-blog -- ${words}`);
    for (const path of Object.keys(tried)) {
      // Of one that is not there nothing would be shown.
      expect((await trySsh(node, `test -e ${path}`)).code, path).toBe(0);
      expect((await asUser(`test -r ${path}`)).code, path).toBe(1);
    }
    // The terminator itself has the keys of the certificates, and not that of the authority.
    const asTerminator = (path: string) => trySsh(node, `runuser -u haproxy -- test -r ${path}`);
    expect((await asTerminator("/var/lib/silver/https/blog.pem")).code).toBe(0);
    expect((await asTerminator("/var/lib/silver/authority.pem")).code).toBe(1);
  });

  test("the configuration is without a warning, and the unit has few ways out", async () => {
    const { code, stdout, stderr } = await trySsh(node, "haproxy -c -f /etc/silver/https/haproxy.cfg");
    expect([code, (stdout + stderr).replace("Configuration file is valid", "").trim()]).toEqual([0, ""]);
    const { code: exposed, stdout: said } = await trySsh(
      node,
      "systemd-analyze security --threshold=20 --no-pager silver-https.service",
    );
    expect(exposed, said).toBe(0);
    expect(await ssh(node, "systemctl is-enabled haproxy.service || true")).toBe("masked");
  });

  test("what is large passes both ways, and what comes drop by drop is not held back", async () => {
    const large = await https(blog, "/large.bin");
    expect([large.status, large.body.length]).toEqual([200, 7 * 3 * 1024 ** 2]);
    expect((await https(blog, "/count", {}, undefined, Buffer.alloc(5 * 1024 ** 2))).body).toBe(String(5 * 1024 ** 2));
    const moments = await drops(blog, "/drops");
    expect(moments.length).toBeGreaterThan(2);
    expect((moments.at(-1) ?? 0) - (moments[0] ?? 0)).toBeGreaterThan(900);
  });

  test("a second run changes nothing", async () => {
    expect(resourceCounts(await project.engine.up())).toEqual(["9 unchanged"]);
    expect(JSON.parse(await ssh(node, "silver-agent heal-node </dev/null"))).toEqual({ changes: [], problems: [] });
  });

  test("a new host is served by a connection that stays, from the run that adds it on", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number | undefined>();
    agent.on("free", (socket: Socket) => ports.add(socket.localPort));
    await https(blog, "/", {}, agent);
    project.edit("stacks/test.yaml", '"*/wiki"', '"*/wiki", new.test');
    await project.engine.up();
    expect((await certificateFor({ ...blog, host: "new.test" })).subjectaltname).toContain("DNS:new.test");
    expect(await seen({ ...blog, host: "new.test" })).toMatchObject({ HTTP_HOST: "new.test" });
    expect((await https(blog, "/", {}, agent)).status).toBe(200);
    expect(ports.size).toBe(1);
    agent.destroy();
  });

  test("no request fails while certificates are renewed", async () => {
    const before = await certificateFor(blog);
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const visitors = [
      visitor(() => https(blog)),
      visitor(() => https(blog, "/", {}, kept)),
      visitor(() => https({ ...blog, host: node.address }, "/wiki")),
    ];
    for (let round = 0; round < 5; round++) {
      await setRecord((record) => {
        for (const entry of Object.values(record)) entry.until -= 300 * 86_400;
      });
      await ssh(node, "silver-agent measure </dev/null");
    }
    const answers = (await Promise.all(visitors.map(({ stop }) => stop()))).flat();
    kept.destroy();
    expect(answers.length).toBeGreaterThan(30);
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    const after = await certificateFor(blog);
    expect(after.serialNumber).not.toBe(before.serialNumber);
    expect(after.pubkey).not.toEqual(before.pubkey);
    const days = (Date.parse(after.valid_to) - Date.now()) / 86_400_000;
    expect([Math.round(days)]).toEqual([398]);
  });

  test("an expired certificate is told by silver status, until it is renewed", async () => {
    expect(silver("status")).toMatchObject({ status: 0 });
    await ssh(node, "mv /var/lib/silver/authority.pem /root/");
    const { pem, serial } = expired();
    await ssh(node, "cat >/var/lib/silver/https/blog.pem", pem);
    await setRecord((record) => {
      Object.assign(record.blog ?? {}, { until: Date.now() / 1000 - 9, serial, file: hash("sha256", pem) });
    });
    await ssh(node, "silver-agent measure </dev/null");
    await expect(https(blog)).rejects.toThrow("expired");
    const { status, said } = silver("status");
    expect(status).toBe(1);
    expect(said).toContain("the certificate of blog is expired: this checkout's authority for certificates is not on the node");
    await ssh(node, "mv /root/authority.pem /var/lib/silver/");
    await poll("the timer has renewed it", 60, async () => (await https(blog)).status === 200);
    expect(silver("status")).toMatchObject({ status: 0 });
  });

  test("the node serves again after a reboot, also where a file of it was lost", async () => {
    await ssh(node, "truncate -s 0 /var/lib/silver/https/blog.pem");
    await reboot(node);
    await poll("it serves", 60, async () => (await https(blog)).status === 200);
    expect(await ssh(node, "systemctl show -P NRestarts silver-https.service")).toBe("0");
  });

  test("a browser that trusts the authority opens a page without a warning, and one that does not shows one", async () => {
    const trusting = await openBrowser({ authority: join(project.root, ".silver/authority.crt"), address: node.address });
    try {
      const answer = await trusting.page.goto("http://www.acme.test/page");
      expect(trusting.page.url()).toBe("https://www.acme.test/page");
      expect(answer?.status()).toBe(200);
      expect(await answer?.securityDetails()).toMatchObject({ protocol: "TLS 1.3" });
      expect(await trusting.page.textContent("body")).toContain('"wsgi.url_scheme": "https"');
      expect(trusting.complaints).toEqual([]);
      await trusting.page.goto(`https://${node.address}/wiki`);
      expect(
        await trusting.page.evaluate("[isSecureContext, performance.getEntriesByType('navigation')[0].nextHopProtocol]"),
      ).toEqual([true, "h2"]);
    } finally {
      await trusting.close();
    }
    const other = await openBrowser({ address: node.address });
    try {
      await expect(other.page.goto("https://blog.test/")).rejects.toThrow("ERR_CERT_AUTHORITY_INVALID");
    } finally {
      await other.close();
    }
  });

  test("without the key, visitors come by http again, and nothing of it is left", async () => {
    project.edit("stacks/test.yaml", "https: { authority: local, hsts: 180d }\n", "");
    await project.engine.up();
    expect((await http(node, "/", { Host: "blog.test" })).status).toBe(200);
    await expect(https(blog)).rejects.toThrow("ECONNREFUSED");
    const left =
      "ls -d /var/lib/silver/https /var/lib/silver/https.json /var/lib/silver/authority* /etc/silver/https /var/lib/varnish/*.sock 2>/dev/null || true";
    expect(await ssh(node, left)).toBe("");
  });
});

interface Entry {
  until: number;
  serial: string;
  file: string;
}

/** Changes what the agent has noted of its certificates. */
async function setRecord(change: (record: Record<string, Entry>) => void): Promise<void> {
  const record = JSON.parse(await ssh(node, "cat /var/lib/silver/https.json")) as Record<string, Entry>;
  change(record);
  await ssh(node, "cat >/var/lib/silver/https.json", JSON.stringify(record));
}

/** A certificate of blog.test that was valid in January 2024. */
function expired(): { pem: string; serial: string } {
  const directory = mkdtempSync(join(tmpdir(), "silver-expired-"));
  try {
    writeFileSync(join(directory, "index.txt"), "");
    writeFileSync(join(directory, "serial"), `${randomBytes(8).toString("hex")}\n`);
    writeFileSync(
      join(directory, "ca.cnf"),
      "[ca]\ndefault_ca = own\n[own]\ndatabase = index.txt\nserial = serial\nnew_certs_dir = .\npolicy = any\ndefault_md = sha256\ncopy_extensions = copy\n[any]\ncommonName = supplied\n",
    );
    const openssl = (...words: string[]) =>
      execFileSync("openssl", words, { cwd: directory, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "key.pem"];
    openssl("req", "-new", ...key, "-subj", "/CN=blog", "-addext", "subjectAltName=DNS:blog.test", "-out", "request.pem");
    const [ca, caKey] = ["authority.crt", "authority.key"].map((name) => join(project.root, ".silver", name));
    const times = ["-startdate", "240101000000Z", "-enddate", "240201000000Z"];
    openssl(
      "ca",
      "-batch",
      "-notext",
      "-config",
      "ca.cnf",
      "-cert",
      ca ?? "",
      "-keyfile",
      caKey ?? "",
      ...times,
      "-in",
      "request.pem",
      "-out",
      "made.pem",
    );
    const pem = ["made.pem", "key.pem"].map((name) => readFileSync(join(directory, name), "utf8")).join("");
    return { pem, serial: openssl("x509", "-noout", "-serial", "-in", "made.pem").trim().replace("serial=", "") };
  } finally {
    rmSync(directory, { recursive: true });
  }
}
