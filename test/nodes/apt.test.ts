// Archives besides the distribution's, packages that an app brings as files, and answers to packages' questions, with the node's own apt.
import { execFileSync } from "node:child_process";
import { hash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { http, ssh } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { resourceCounts, withProject } from "../support/project.ts";
import type { Project } from "../support/project.ts";
import { testOs } from "../support/systems.ts";

const work = mkdtempSync(join(tmpdir(), "silver-apt-"));

/** A package that holds one file and, where they are given, a unit and a script that runs as root once it is installed. */
function makeDeb(name: string, version: string, { postinst = "", control = "", unit = "" } = {}): string {
  const root = join(work, `${name}-${version}`);
  mkdirSync(join(root, "DEBIAN"), { recursive: true });
  mkdirSync(join(root, "usr/share/silver-test"), { recursive: true });
  writeFileSync(join(root, "usr/share/silver-test", name), `${version}\n`);
  const fields = `Package: ${name}\nVersion: ${version}\nArchitecture: all\nMaintainer: Test <test@example.org>\n${control}Description: test\n`;
  writeFileSync(join(root, "DEBIAN/control"), fields);
  if (unit !== "") {
    mkdirSync(join(root, "usr/lib/systemd/system"), { recursive: true });
    writeFileSync(join(root, `usr/lib/systemd/system/${name}.service`), unit);
  }
  if (postinst !== "") writeFileSync(join(root, "DEBIAN/postinst"), `#!/bin/sh\nset -e\n${postinst}\n`, { mode: 0o755 });
  const file = join(work, `${name}_${version}_all.deb`);
  execFileSync("dpkg-deb", ["--root-owner-group", "--build", root, file], { stdio: "ignore" });
  return file;
}

const gnupg = join(work, "gnupg");
const gpg = (...words: string[]) =>
  execFileSync("gpg", ["--homedir", gnupg, "--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  });

/** A signed archive of these packages: the files of its directory, by their names. */
function makeArchive(debs: string[]): Record<string, Buffer> {
  const entries = debs.map((file) => {
    const bytes = readFileSync(file);
    const control = execFileSync("dpkg-deb", ["--field", file], { encoding: "utf8" });
    return `${control}Filename: ${file.split("/").at(-1) ?? ""}\nSize: ${statSync(file).size}\nSHA256: ${hash("sha256", bytes)}\n`;
  });
  const packages = entries.join("\n");
  const date = new Date().toUTCString().replace("GMT", "UTC");
  const release = `Origin: own\nSuite: stable\nCodename: stable\nDate: ${date}\nArchitectures: all\nSHA256:\n ${hash("sha256", packages)} ${packages.length} Packages\n`;
  writeFileSync(join(work, "Release"), release);
  gpg("--yes", "--local-user", "own@example.org", "--clearsign", "--output", join(work, "InRelease"), join(work, "Release"));
  const files = debs.map((file) => [file.split("/").at(-1) ?? "", readFileSync(file)] as const);
  return { ...Object.fromEntries(files), Packages: Buffer.from(packages), InRelease: readFileSync(join(work, "InRelease")) };
}

const app = `import os

def application(environ, start_response):
    try:
        with open("/usr/share/silver-test" + environ["PATH_INFO"]) as file:
            body = file.read().encode()
    except OSError as error:
        body = error.strerror.encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
`;

let project: Project;
let node: TestNode;
let key = "";
let strangers = "";

interface Wanted {
  key?: string;
  named?: string;
  debs?: string;
  source?: boolean;
  answers?: string;
}

function environment({ key: own = key, named = "[]", debs = "[]", source = true, answers = "[]" }: Wanted): string {
  const text = own
    .trim()
    .split("\n")
    .map((line) => `        ${line}\n`)
    .join("");
  const sources = `  sources:\n    own:\n      uri: http://127.0.0.1:8123/own\n      suites: [/]\n      packages: ${named}\n      key: |\n${text}`;
  return `apt:\n  debs: ${debs}\n  answers: ${answers}\n${source ? sources : ""}nodes:\n  web1: { local: true, os: ${testOs} }\nsites:\n  blog: { app: apps/blog, nodes: [web1], locations: ["*"] }\n`;
}
const declare = (wanted: Wanted) => {
  writeFileSync(join(project.root, "stacks/test.yaml"), environment(wanted));
};
const manifest = (version: string, more = "") => `name: blog\nversion: ${version}\nrunner: wsgi.py\n${more}`;
const appIs = (version: string, more = "") => {
  writeFileSync(join(project.root, "apps/blog/app.yaml"), manifest(version, more));
};
const get = async (path: string) => (await http(node, path)).body.trim();
const versionOf = (name: string) => ssh(node, `dpkg-query -W -f='\${Version}' ${name} 2>/dev/null || echo none`);

describe.each([testOs])("on %s", (os) => {
  beforeAll(async () => {
    mkdirSync(gnupg, { mode: 0o700 });
    for (const name of ["own", "stranger"]) gpg("--quick-generate-key", `${name}@example.org`, "rsa3072", "sign", "never");
    key = gpg("--armor", "--export", "own@example.org");
    strangers = gpg("--armor", "--export", "stranger@example.org");
    project = await withProject({
      "apps/blog/app.yaml": manifest("1.0.0"),
      "apps/blog/wsgi.py": app,
      "stacks/test.yaml": environment({ source: false }),
    });
    await project.prepare("web1", { os });
    await project.engine.up();
    node = await project.node("web1");
    const asks = "Depends: debconf\n";
    const tells =
      '. /usr/share/debconf/confmodule\ndb_get silver-own/greeting || RET=nothing\nprintf "%s\\n" "$RET" > /usr/share/silver-test/greeting';
    // Of a name that the distribution has, too: of a version that it will never reach, and wanted by nothing.
    const archive = makeArchive([
      makeDeb("silver-own", "1.0", { postinst: tells, control: asks }),
      makeDeb("hello", "99.0"),
      makeDeb("tzdata", "9999"),
    ]);
    await ssh(node, "mkdir -p /srv/archive/own");
    for (const [name, bytes] of Object.entries(archive))
      await ssh(node, `base64 -d > /srv/archive/own/${name}`, bytes.toString("base64"));
    await ssh(node, "systemd-run -q --unit=archive python3 -m http.server --bind 127.0.0.1 --directory /srv/archive 8123");
    await ssh(
      node,
      "until curl -fs http://127.0.0.1:8123/own/InRelease >/dev/null 2>&1 || python3 -c 'import urllib.request as u; u.urlopen(\"http://127.0.0.1:8123/own/InRelease\")' 2>/dev/null; do sleep 0.2; done",
    );
  });

  afterAll(async () => {
    await project.remove();
    // Its agent would go on, and may still write into its directory.
    execFileSync("gpgconf", ["--homedir", gnupg, "--kill", "all"]);
    rmSync(work, { recursive: true });
  });

  test("a source with another key is refused by name, and the node's apt is as it was", async () => {
    declare({ key: strangers });
    const output = await project.engine.upFails();
    expect(output).toContain("apt can't read its lists with the sources of the environment (own), which are as they were before");
    expect(await ssh(node, "ls /etc/apt/sources.list.d")).not.toContain("silver");
    expect(await ssh(node, "apt-get -q update 2>&1")).not.toMatch(/^[EW]:/m);
    expect(await get("/hello")).toBe("No such file or directory");
  });

  test("a package of it is installed for a site, answered, and one that the distribution has is the distribution's", async () => {
    declare({ answers: '["silver-own silver-own/greeting string Hello there"]' });
    appIs("1.1.0", "packages: [silver-own, hello]\n");
    const preview = await project.engine.preview("--diff");
    expect(preview).toMatch(/# apt: own http:\/\/127\.0\.0\.1:8123\/own \/, key sha256:[0-9a-f]{64}/);
    expect(preview).toContain("# apt: answer silver-own silver-own/greeting string Hello there");
    const zone = await versionOf("tzdata");
    await project.engine.up();
    expect(await get("/silver-own")).toBe("1.0");
    expect(await get("/greeting")).toBe("Hello there");
    expect(await versionOf("hello")).toMatch(/^2\./);
    const upgrade = await ssh(node, "apt-get -qs upgrade");
    expect(upgrade).toMatch(/^\d+ upgraded, /m);
    expect(upgrade).not.toMatch(/^Inst (?:hello|tzdata) /m);
    expect(await versionOf("tzdata")).toBe(zone);
    expect(await ssh(node, "cat /etc/apt/sources.list.d/silver-own.sources | head -1")).toContain("Made by silver");
  });

  test("a second run changes nothing", async () => {
    expect(resourceCounts(await project.engine.up())).toEqual([expect.stringMatching(/^\d+ unchanged$/)]);
  });

  test("a package that is named comes from it before the distribution", async () => {
    await ssh(node, "apt-get -qq remove -y hello >/dev/null 2>&1");
    declare({ named: "[hello]" });
    appIs("1.2.0", "packages: [silver-own, hello]\n");
    await project.engine.up();
    expect(await versionOf("hello")).toBe("99.0");
    expect(await get("/hello")).toBe("99.0");
  });

  test("a source that goes is gone, and what came from it stays", async () => {
    declare({ source: false });
    await project.engine.up();
    expect(await ssh(node, "ls /etc/apt/sources.list.d /etc/apt/preferences.d")).not.toContain("silver");
    expect(await ssh(node, "apt-cache policy silver-own")).not.toContain("127.0.0.1");
    expect(await get("/silver-own")).toBe("1.0");
  });

  describe("a package that an app brings as a file", () => {
    const bring = (name: string, version: string, more = {}) => {
      mkdirSync(join(project.root, "apps/blog/vendor"), { recursive: true });
      writeFileSync(join(project.root, "apps/blog/vendor/own.deb"), readFileSync(makeDeb(name, version, more)));
    };

    const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    /** As packages of the distribution start what they bring. */
    const postinst =
      "deb-systemd-helper enable silver-file.service >/dev/null\ndeb-systemd-invoke start silver-file.service\necho ran > /usr/share/silver-test/ran";

    test("is refused where the environment does not allow it, before anything is touched", async () => {
      bring("silver-file", "1.0", { unit, postinst });
      appIs("2.0.0", "debs: [vendor/own.deb]\n");
      declare({ source: false });
      const output = await project.engine.upFails();
      expect(output).toContain(
        "site blog brings Debian packages as files (vendor/own.deb), which this environment does not allow it",
      );
      expect(await versionOf("silver-file")).toBe("none");
    });

    test("is installed in the site's rollout, its services kept off, with its hash in the preview", async () => {
      declare({ source: false, debs: "[blog]" });
      const digest = hash("sha256", readFileSync(join(project.root, "apps/blog/vendor/own.deb")));
      expect(await project.engine.preview("--diff")).toContain(`vendor/own.deb sha256:${digest}`);
      await project.engine.up();
      expect(await get("/silver-file")).toBe("1.0");
      expect(await get("/ran")).toBe("ran");
      expect(await ssh(node, "systemctl show --value --property=ActiveState,UnitFileState silver-file.service")).toBe(
        "inactive\nmasked",
      );
    });

    test("is installed again as a later version, and refused as an earlier one, while the release before serves", async () => {
      bring("silver-file", "1.1");
      appIs("2.1.0", "debs: [vendor/own.deb]\n");
      await project.engine.up();
      expect(await get("/silver-file")).toBe("1.1");
      bring("silver-file", "1.0");
      appIs("2.2.0", "debs: [vendor/own.deb]\n");
      const output = await project.engine.upFails();
      expect(output).toContain("vendor/own.deb is silver-file 1.0, and the node has version 1.1, brought by an earlier release");
      expect(await get("/silver-file")).toBe("1.1");
    });

    test("never replaces what the node has from elsewhere, and a script of it that fails is told", async () => {
      bring("tzdata", "9999");
      expect(await project.engine.upFails()).toContain("from elsewhere");
      bring("silver-broken", "1.0", { postinst: "echo no luck today >&2; exit 3" });
      const output = await project.engine.upFails();
      expect(output).toContain("apt could not install vendor/own.deb");
      expect(output).toContain("no luck today");
      expect(await get("/silver-file")).toBe("1.1");
    });
  });
});
