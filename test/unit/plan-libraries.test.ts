import { expect, test } from "vitest";
import { renderRelease } from "../../components/render/release.ts";
import { planned } from "../support/plan-of.ts";
import { requirements } from "../support/requirements.ts";

const environment = (nodes: string) => `nodes:
  web1: {local: true, os: debian-12}
  web2: {local: true, os: debian-13}
  web3: {local: true, os: debian-12}
  web4: {local: true, os: ubuntu-24.04}
  web5: {local: true, os: ubuntu-26.04}
sites: {blog: {app: apps/blog, nodes: [${nodes}], locations: ["*"]}}
`;

function release(nodes: string, text?: string) {
  const files = { "dev.yaml": environment(nodes), "apps/blog/app.yaml": "name: blog\nrunner: src/wsgi.py\n" };
  const [site] = planned(text === undefined ? files : { ...files, "apps/blog/requirements.txt": text }).sites;
  if (site === undefined) throw new Error("no site was planned");
  return { site, release: renderRelease(site), apache: renderRelease(site).files[0]?.content ?? "" };
}

const six = requirements("six==1.16.0");

test("the id of a release with libraries follows from the Pythons of all its nodes, not from which nodes they are", () => {
  const id = (nodes: string) => release(nodes, six).release.id;
  expect(id("web3")).toBe(id("web1"));
  expect(id("web2, web3")).toBe(id("web1, web2, web3"));
  expect(new Set([id("web1"), id("web2"), id("web4"), id("web5"), id("web1, web2")]).size).toBe(5);
});

test("a release without libraries says nothing of them, on whatever node", () => {
  const without = release("web1");
  expect(without.release).toEqual(release("web2").release);
  expect(without.release.libraries).toBeUndefined();
  expect(without.apache).not.toContain("python-path");
  const { release: commented } = release("web1", "# none yet\n");
  expect(commented.libraries).toBeUndefined();
});

test("libraries are planned for each node, named with their versions, and put before what the system has", () => {
  const { site, apache } = release("web1, web2", requirements("markupsafe==3.0.3") + six);
  expect(site.libraries).toMatchObject({
    versions: { markupsafe: "3.0.3", six: "1.16.0" },
    targets: { web1: { python: "3.11.2" }, web2: { python: "3.13.5" } },
  });
  expect(apache).toContain('python-path="@ROOT@/wheels"');
});
