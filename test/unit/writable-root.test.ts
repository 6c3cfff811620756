import { expect, test } from "vitest";
import { renderRelease } from "../../components/render/release.ts";
import { plannedSite } from "../support/plan-of.ts";

const apache = (manifest: string) =>
  renderRelease(plannedSite(manifest)).files.find(({ path }) => path === "conf/apache.conf")?.content ?? "";

test("what an app writes is looked for after static/ and before the app, the host's own first", () => {
  const conf = apache("services: {writable_root: {}}\n");
  const places = [...conf.matchAll(/RewriteCond "(@[^"]*)\/\$1" -f/g)].map(([, place]) => place);
  expect(places).toEqual(["@ROOT@/app/static", "@WRITABLE@/%1", "@WRITABLE@"]);
  expect(conf.lastIndexOf("@WRITABLE@")).toBeLessThan(conf.indexOf("H=wsgi-script"));
  expect(apache("services: {files: {}}\n")).not.toContain("@WRITABLE@");
});

test("nothing in it is followed or configured", () => {
  const [, own = ""] = /<Directory "@WRITABLE@">([^]*?)<\/Directory>/.exec(apache("services: {writable_root: {}}\n")) ?? [];
  expect(own).toContain("\n  Options None\n");
  expect(own).not.toMatch(/AllowOverride|FollowSymLinks|ExecCGI|Handler|X-Silver-Static/);
});

test("only the names of hosts that are names of directories choose one", () => {
  const [, pattern = ""] = /RewriteCond "%\{HTTP_HOST\}" "([^"]+)"/.exec(apache("services: {writable_root: {}}\n")) ?? [];
  const directory = (host: string) => new RegExp(pattern).exec(host)?.[1];
  expect(["a.test", "a.test:8080", "a-b.c_d.test"].map(directory)).toEqual(["a.test", "a.test", "a-b.c_d.test"]);
  for (const host of ["", ".", "..", "../..", ".a", "a..b", "a/b", "[::1]", "a.", "a%2e"])
    expect(directory(host), host).toBeUndefined();
});
