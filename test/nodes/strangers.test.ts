import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { RolloutSite, sshAgent } from "../support/rollout-site.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";

// What apps of other people speak, through everything that stands before an app: the methods of WebDAV and CalDAV with their bodies,
// large files and uploads in parts, streaming; an app that redirects http; a file of Paste Deploy; a wiki in PHP.
const suite = useSharedNodes();
let node: TestNode;
let site: RolloutSite;
let agent: Awaited<ReturnType<typeof sshAgent>>;
const source = (name: string) => readFileSync(join(import.meta.dirname, "../support", name), "utf8");

beforeAll(async () => {
  node = await suite.boot("web1");
  agent = await sshAgent(node.keyFile);
  site = new RolloutSite("strangers", [node], agent.socket);
  site.writeEnvironment("config: {KEY: {secret: 1}}", ["strangers.test", '"*"', '"*/mount"']);
  site.write(
    "apps/strangers/app.yaml",
    `name: strangers
version: 1.0.0
runner: src/config.ini#strangers
packages: [python3-pastedeploy, litmus]
config: {required: {KEY: a secret}}
check: {path: /, https: true, within: 30s}
processes: {count: 2, threads: 4}
limits: {body: 128M}
`,
  );
  site.write(
    "apps/strangers/src/config.ini",
    "[app:strangers]\npaste.app_factory = strangers:main\nsite = strangers\nkey = %(KEY)s\n",
  );
  site.write("apps/strangers/src/strangers.py", source("strangers-app.py"));
  site.write("apps/strangers/src/dav_store.py", source("dav-store.py"));
  await site.setUp();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("and at 2 more locations");
});
afterAll(async () => {
  site.remove();
  await agent.stop();
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  /** Hash of the body's bytes. */
  sha256: string;
  body: string;
}

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/**
 * Asks by any method; `body` in one piece, or chunk by chunk without a length.
 * @param onPiece gets each piece of the answer when it comes
 */
function ask(
  method: string,
  path: string,
  body: Buffer | Buffer[] = [],
  headers: Record<string, string> = {},
  onPiece: (piece: Buffer) => void = () => undefined,
): Promise<Answer> {
  const length = Buffer.isBuffer(body) ? { "Content-Length": String(body.length) } : {};
  const options = { host: node.address, method, path, agent: false, timeout: 60_000 };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, headers: { Host: "strangers.test", ...length, ...headers } }, (response) => {
      const pieces: Buffer[] = [];
      response.on("data", (piece: Buffer) => {
        pieces.push(piece);
        onPiece(piece);
      });
      response.on("error", reject).on("end", () => {
        const whole = Buffer.concat(pieces);
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          sha256: sha256(whole),
          body: whole.toString("utf8", 0, 1_000_000),
        });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer"))).on("error", reject);
    if (Buffer.isBuffer(body)) sent.end(body);
    else {
      for (const chunk of body) sent.write(chunk);
      sent.end();
    }
  });
}

test("an app of Paste Deploy has its settings from its section and the site's variables", async () => {
  expect(JSON.parse((await ask("GET", "/settings")).body)).toEqual({
    site: "strangers",
    key: "sesame-open",
    secret: true,
  });
});

const methods =
  "GET POST PUT PATCH DELETE OPTIONS PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK REPORT MKCALENDAR ACL SEARCH QUERY";
test.each(methods.split(" "))("%s reaches the app with its headers and its body", async (method) => {
  const body = Buffer.from(`<d:${method.toLowerCase()} xmlns:d="DAV:"/>`);
  const headers = {
    Depth: "1",
    If: "(<opaquelocktoken:1>)",
    Destination: "http://strangers.test/b%20c",
    "Content-Type": "text/xml",
  };
  const said = (answer: Answer) => JSON.parse(answer.body) as Record<string, unknown>;
  const expected = { method, body: body.toString(), depth: "1", if: headers.If, destination: headers.Destination };
  expect(said(await ask(method, "/echo/a", body, headers))).toMatchObject({ ...expected, script: "", path: "/echo/a" });
  // Although the answer may be kept: not for another body.
  expect(said(await ask(method, "/echo/a", Buffer.from("another"), headers))).toMatchObject({ ...expected, body: "another" });
  expect(said(await ask(method, "/mount/echo/a", body, { ...headers, Host: "shared.test" }))).toMatchObject({
    ...expected,
    script: "/mount",
    path: "/echo/a",
  });
});

test("answers of WebDAV are what the app said: 207, 201, 204, 423 and their headers", async () => {
  for (const status of [
    "207 Multi-Status",
    "201 Created",
    "204 No Content",
    "423 Locked",
    "412 Precondition Failed",
    "507 Full",
  ]) {
    const answer = await ask("PROPFIND", `/status/${encodeURIComponent(status)}`);
    expect(answer.status).toBe(Number(status.slice(0, 3)));
    expect(answer.headers).toMatchObject({ dav: "1, 2", "lock-token": "<opaquelocktoken:1>" });
  }
});

test("nothing that is asked by a method of WebDAV is cached, or answered from what GET got", async () => {
  const first = await ask("GET", "/cached");
  expect((await ask("GET", "/cached")).body).toBe(first.body);
  expect((await ask("PROPFIND", "/cached")).body).not.toBe(first.body);
  expect((await ask("REPORT", "/cached")).body).not.toBe((await ask("REPORT", "/cached")).body);
});

test.each([["GET", "?length"], ...methods.split(" ").map((method) => [method, ""])])(
  "what is yielded slowly to %s%s arrives piece by piece",
  async (method, query) => {
    let told: Promise<Answer> | undefined;
    const name = `${method}${query.length}`;
    const { body } = await ask(method, `/stream/${name}${query}`, Buffer.from("asked"), {}, () => {
      told ??= ask("POST", `/seen/${name}`);
    });
    expect((await told)?.status).toBe(204);
    expect(body).toMatch(/^(first )+seen$/);
  },
);

test("20 MiB in parts, as a package index gets them from twine, arrive whole; their length may be unknown", async () => {
  const boundary = "----twine";
  const part = (name: string, content: Buffer, file = "") =>
    Buffer.concat([
      Buffer.from(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`),
      content,
      Buffer.from("\r\n"),
    ]);
  const wheel = randomBytes(20 * 1024 ** 2);
  const fields = { ":action": "file_upload", protocol_version: "1", name: "blog", sha256_digest: sha256(wheel) };
  const form = Buffer.concat([
    ...Object.entries(fields).map(([name, value]) => part(name, Buffer.from(value))),
    part("content", wheel, '; filename="blog-1.0.0-py3-none-any.whl"\r\nContent-Type: application/octet-stream'),
    Buffer.from(`--${boundary}--\r\n`),
  ]);
  const type = { "Content-Type": `multipart/form-data; boundary=${boundary}` };
  const whole = JSON.parse((await ask("POST", "/upload", form, type)).body) as unknown;
  expect(whole).toEqual({ files: { content: fields.sha256_digest }, fields });
  const pieces = Array.from({ length: 8 }, (_, index) =>
    form.subarray((index * form.length) / 8, ((index + 1) * form.length) / 8),
  );
  expect(JSON.parse((await ask("POST", "/upload", pieces, type)).body)).toEqual(whole);
});

test("100 MiB that are put by WebDAV are read back byte by byte, whole and in part; more than the limit is refused", async () => {
  const body = randomBytes(100 * 1024 ** 2);
  expect((await ask("PUT", "/dav/large%20file.bin", body)).status).toBe(201);
  expect((await ask("GET", "/dav/large%20file.bin")).sha256).toBe(sha256(body));
  const part = await ask("GET", "/dav/large%20file.bin", [], { Range: "bytes=104857000-" });
  expect([part.status, part.sha256]).toEqual([206, sha256(body.subarray(104857000))]);
  expect((await ask("PUT", "/dav/large%20file.bin", [body.subarray(0, 1000), body.subarray(1000, 2000)])).status).toBe(204);
  expect((await ask("GET", "/dav/large%20file.bin")).sha256).toBe(sha256(body.subarray(0, 2000)));
  // The head alone: it is answered before any of the body is there.
  const tooLong = { "Content-Length": String(128 * 1024 ** 2 + 1) };
  expect((await ask("PUT", "/dav/large%20file.bin", [], tooLong)).status).toBe(413);
  expect((await ask("DELETE", "/dav/large%20file.bin")).status).toBe(204);
});

test.each(["basic", "copymove", "props", "locks", "http"])(
  "litmus is content with %s, at a host and below a mount",
  async (tests) => {
    for (const below of ["", "/mount"]) {
      const said = await ssh(node, `cd "$(mktemp -d)" && TESTS=${tests} litmus http://127.0.0.1${below}/dav/ 2>&1`);
      expect(said).toMatch(new RegExp(`summary for .${tests}.: of (\\d+) tests run: \\1 passed, 0 failed`));
      expect(said).not.toContain("WARNING");
    }
  },
);

describe("a calendar", () => {
  const event = (name: string, begins: string, kind = "VEVENT") =>
    Buffer.from(
      `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:${kind}\r\nUID:${name}\r\nDTSTART:${begins}\r\nEND:${kind}\r\nEND:VCALENDAR\r\n`,
    );
  const xml = (text: string) => Buffer.from(`<?xml version="1.0" encoding="utf-8"?>\n${text}`);
  const names = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"';
  const type = { "Content-Type": "application/xml; charset=utf-8" };
  const calendar = { "Content-Type": "text/calendar; charset=utf-8" };
  const found = ({ body }: Answer) => [...body.matchAll(/<D:href>([^<]*)/g)].map(([, href]) => href);
  const query = xml(
    `<C:calendar-query ${names}><D:prop><D:getetag/><C:calendar-data/></D:prop><C:filter><C:comp-filter name="VCALENDAR">
<C:comp-filter name="VEVENT"><C:time-range start="20300101T000000Z" end="20310101T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>`,
  );

  test("is made with its name, which PROPFIND then tells", async () => {
    const made = await ask(
      "MKCALENDAR",
      "/dav/team/",
      xml(`<C:mkcalendar ${names}><D:set><D:prop><D:displayname>Lisa’s Events</D:displayname></D:prop></D:set></C:mkcalendar>`),
      type,
    );
    expect(made.status).toBe(201);
    expect((await ask("MKCALENDAR", "/dav/team/", [], type)).status).toBe(405);
    const asked = xml(`<D:propfind ${names}><D:prop><D:resourcetype/><D:displayname/></D:prop></D:propfind>`);
    const answer = await ask("PROPFIND", "/dav/team/", asked, { ...type, Depth: "0" });
    expect(answer.status).toBe(207);
    expect(answer.body).toContain("<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>");
    expect(answer.body).toContain(">Lisa’s Events</");
  });

  test("takes an event once by If-None-Match, and a change by If-Match of its present ETag alone", async () => {
    const put = (begins: string, headers: Record<string, string>) =>
      ask("PUT", "/dav/team/one.ics", event("one", begins), { ...calendar, ...headers });
    const first = await put("20300501T080000Z", { "If-None-Match": "*" });
    expect(first.status).toBe(201);
    expect((await put("20300502T080000Z", { "If-None-Match": "*" })).status).toBe(412);
    const etag = String(first.headers.etag);
    const second = await put("20300502T080000Z", { "If-Match": etag });
    expect(second.status).toBe(204);
    expect((await put("20300503T080000Z", { "If-Match": etag })).status).toBe(412);
    const got = await ask("GET", "/dav/team/one.ics");
    expect(got.body).toBe(event("one", "20300502T080000Z").toString());
    expect(got.headers).toMatchObject({ etag: second.headers.etag, "content-type": "text/calendar" });
    expect((await ask("GET", "/dav/team/one.ics", [], { "If-None-Match": String(second.headers.etag) })).status).toBe(304);
    expect((await ask("GET", "/dav/team/one.ics", [], { "If-None-Match": etag })).status).toBe(200);
  });

  test("answers REPORT with the events of a time, as deep as Depth says", async () => {
    for (const [name, begins, kind] of [
      ["two", "20300601T080000Z", "VEVENT"],
      ["late", "20400601T080000Z", "VEVENT"],
      ["task", "20300601T080000Z", "VTODO"],
    ] as const) {
      expect((await ask("PUT", `/dav/team/${name}.ics`, event(name, begins, kind), calendar)).status).toBe(201);
    }
    const report = (depth: Record<string, string>, path = "/dav/team/") => ask("REPORT", path, query, { ...type, ...depth });
    const deep = await report({ Depth: "1" });
    expect(deep.status).toBe(207);
    expect(found(deep)).toEqual(["/dav/team/one.ics", "/dav/team/two.ics"]);
    expect(deep.body).toContain("UID:two\r\n");
    expect(found(await report({ Depth: "0" }))).toEqual([]);
    expect(found(await report({}))).toEqual([]);
    expect(found(await report({ Depth: "1", Host: "other.test" }, "/mount/dav/team/"))).toEqual([
      "/mount/dav/team/one.ics",
      "/mount/dav/team/two.ics",
    ]);
  });
});

// Last: these nodes are this site's alone from here on.
describe("a wiki in PHP on files", () => {
  let wiki: RolloutSite;
  const home = ["wiki.test", "shared.test/team"];
  const form = (fields: Record<string, string>) => Buffer.from(new URLSearchParams(fields).toString());

  beforeAll(async () => {
    wiki = new RolloutSite("wiki", [node], agent.socket);
    wiki.writeEnvironment("config: {KEY: {secret: 1}}", home);
    wiki.write(
      "apps/wiki/app.yaml",
      `name: wiki
version: 1.0.0
runner: src/index.php
config: {required: {KEY: a secret}}
services: {pages: {type: files, quota: 16M}}
check: {path: /, within: 30s}
processes: {count: 4}
`,
    );
    wiki.write("apps/wiki/src/index.php", source("wiki-app.php"));
    await wiki.setUp();
    const { code, stderr } = await wiki.deploy();
    expect(code, stderr).toBe(0);
  });
  afterAll(() => {
    wiki.remove();
  });

  /** A visitor with cookies, below one of the wiki's locations. */
  function visitor(location: string) {
    const [host = "", ...mount] = location.split("/");
    const base = mount.map((part) => `/${part}`).join("");
    let cookie = "";
    return async (method: string, path: string, fields?: Record<string, string>, onPiece?: (piece: Buffer) => void) => {
      const headers = { Host: host, Cookie: cookie, "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await ask(method, base + path, fields === undefined ? [] : form(fields), headers, onPiece);
      const [set] = answer.headers["set-cookie"] ?? [];
      if (typeof set === "string") cookie = set.split(";")[0] ?? "";
      return answer;
    };
  }

  test.each(home)("pages are made, edited and listed at %s, by who has a session", async (location) => {
    const [lisa, tom, reader] = [visitor(location), visitor(location), visitor(location)];
    const base = location.includes("/") ? "/team" : "";
    const page = encodeURIComponent(`AC/DC & Café? at ${location}`);
    const edit = async (who: typeof lisa, text: string, was?: string) => {
      const { token, was: now } = JSON.parse((await who("GET", `/edit/${page}`)).body) as { token: string; was: string };
      return who("POST", `/edit/${page}`, { token, text, was: was ?? now });
    };
    expect((await reader("GET", `/page/${page}`)).status).toBe(404);
    expect((await reader("GET", `/edit/${page}`)).status).toBe(403);
    expect((await lisa("POST", "/login", { name: "Lisa" })).status).toBe(303);
    expect((await tom("POST", "/login", { name: "Tom" })).headers.location).toBe(`${base}/`);

    const made = await edit(lisa, "Back in <black>");
    expect([made.status, made.headers.location]).toEqual([303, `${base}/page/${page}`]);
    expect((await reader("GET", `/page/${page}`)).body).toContain("<pre>Back in &lt;black&gt;\n-- Lisa</pre>");
    expect((await edit(tom, "Highway")).status).toBe(303);
    expect((await reader("GET", `/page/${page}`)).body).toContain("<pre>Highway\n-- Tom</pre>");
    expect((await edit(lisa, "too late", "what it was before")).status).toBe(409);
    expect((await lisa("POST", `/edit/${page}`, { token: "forged", text: "" })).status).toBe(403);
    expect((await reader("GET", "/")).body).toContain(`<a href="${base}/page/${page}">AC/DC &amp; Café? at ${location}</a>`);
  });

  test.each(["GET", "POST", "PUT", "PROPFIND"])("what a script sends slowly to %s arrives piece by piece", async (method) => {
    const [reader, teller] = [visitor("wiki.test"), visitor("wiki.test")];
    let told: Promise<Answer> | undefined;
    const { body } = await reader(method, `/stream/${method}`, undefined, () => {
      told ??= teller("POST", `/seen/${method}`);
    });
    expect((await told)?.status).toBe(204);
    expect(body).toBe("first seen");
  });
});
