import { afterAll, beforeAll, expect, test } from "vitest";
import { targetText } from "../../components/plan/libraries.ts";
import { systems, type SystemName } from "../../components/systems/systems.ts";
import { ssh } from "../support/nodes.ts";
import { useSharedNodes } from "../support/shared-nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { requirements } from "../support/requirements.ts";
import { RolloutSite, sshAgent } from "../support/rollout-site.ts";
import { otherOs, testOs } from "../support/systems.ts";

const suite = useSharedNodes();
let site: RolloutSite;
let web1: TestNode;
let web2: TestNode;
let agent: Awaited<ReturnType<typeof sshAgent>>;

/** Says which libraries it has, and where from. */
const app = `import sys
made_by_pth = "sphinxcontrib" in sys.modules
import markupsafe._speedups, six
from importlib.metadata import version

def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    part = markupsafe._speedups.__file__.split("/")[6]
    return [f"{version('markupsafe')} {six.__version__} {part} {made_by_pth} {sys.version_info[1]}".encode()]
`;

/** The 12 of Python 3.12.3. */
const minor = (os: SystemName): string => systems[os].python.python.split(".")[1] ?? "";

/** What both nodes answer with a version of six. */
const told = (six: string): string[] => [testOs, otherOs].map((os) => `3.0.3 ${six} wheels True ${minor(os)}`);

beforeAll(async () => {
  [web1, web2] = [await suite.boot("web1"), await suite.boot("web2")];
  agent = await sshAgent(web1.keyFile);
  site = new RolloutSite("library", [web1, web2], agent.socket);
  site.writeApp(app);
  site.write("apps/library/requirements.txt", requirements("markupsafe==3.0.3", "six==1.16.0", "sphinxcontrib-jsmath==1.0.1"));
  await site.setUp();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
});
afterAll(async () => {
  site.remove();
  await agent.stop();
});

test("an app has the libraries of its requirements.txt, made for each node's Python, under one release id", async () => {
  expect(await site.bodies()).toEqual(told("1.16.0"));
  const [one, two] = await site.states();
  expect(one?.live).toBe(site.rollout().release.id);
  expect(two?.live).toBe(one?.live);
  const { release } = site.rollout();
  const wheels = `/srv/silver/library/releases/${release.id}/wheels`;
  expect(await ssh(web1, `stat -c '%U %a' ${wheels}/markupsafe/__init__.py; ls ${wheels}/markupsafe/__pycache__`)).toBe(
    `root 644\n__init__.cpython-3${minor(testOs)}.pyc\n_native.cpython-3${minor(testOs)}.pyc`,
  );
  expect(await ssh(web1, `ls ${wheels}`)).not.toContain("bin");
});

test("a changed file of the app is a new release, and no byte of its libraries is sent or kept twice", async () => {
  const before = site.rollout().release.id;
  site.write("apps/library/static/new.txt", "new");
  const { release } = site.rollout();
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  expect(release.id).not.toBe(before);
  expect(stderr).toContain("files new");
  expect(stderr).not.toContain("library files");
  const speedups = (id: string) => `/srv/silver/library/releases/${id}/wheels/markupsafe/_speedups*.so`;
  expect(await ssh(web1, `stat -c %i ${speedups(before)} ${speedups(release.id)} | uniq | wc -l`)).toBe("1");
  expect(await site.bodies()).toEqual(told("1.16.0"));
});

test("a newer version of a library is a new release and takes effect; of the others nothing is sent", async () => {
  site.write("apps/library/requirements.txt", requirements("markupsafe==3.0.3", "six==1.17.0", "sphinxcontrib-jsmath==1.0.1"));
  const { code, stderr } = await site.deploy();
  expect(code, stderr).toBe(0);
  const [sent, all] = /web1 +upload +(\d+) of (\d+) library files new/.exec(stderr)?.slice(1).map(Number) ?? [];
  expect(sent).toBeLessThan((all ?? 0) - 5);
  expect(await site.bodies()).toEqual(told("1.17.0"));
  const again = await site.deploy();
  expect(JSON.parse(again.stdout)).toMatchObject({ verdict: "unchanged" });
});

test("a library without a wheel for a node is refused by name before any node is touched", async () => {
  const before = await site.states();
  site.write(
    "apps/library/requirements.txt",
    requirements("markupsafe==3.0.3", "six==1.17.0", "sphinxcontrib-jsmath==1.0.1", "pywin32==308"),
  );
  const { code, stdout, stderr } = await site.deploy();
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ verdict: "refused" });
  expect(stderr).toContain(`  libraries: pywin32 308 has no wheel for ${targetText(systems[testOs].python)} (web1)`);
  expect(stderr).toContain(`  libraries: pywin32 308 has no wheel for ${targetText(systems[otherOs].python)} (web2)`);
  expect(await site.states()).toEqual(before);
  expect(await site.bodies()).toEqual(told("1.17.0"));
});
