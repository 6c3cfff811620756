import { expect, test } from "vitest";
import { statusOf } from "../../cli/site-status.ts";
import type { SiteState } from "../../components/node/contract.ts";

const live = "1.1.0-22222222.bbbbbbbb";
const previous = "1.0.0-11111111.aaaaaaaa";

function told(changes: Partial<SiteState>, declared: string | null = live): string {
  const site = { site: "blog", serial: 2, live, previous, releases: [], generation: 1, holder: null, services: [] };
  return statusOf("blog", declared, "web1", { sites: [{ ...site, ...changes }] }).state;
}

const release = (id: string, active: readonly boolean[]): SiteState["releases"][number] => ({
  id,
  bundle: id.slice(0, id.lastIndexOf(".")),
  address: "127.64.0.2",
  port: 20001,
  units: active.map((one, index) => ({ name: `silver-web-blog.u${index}@${id}.service`, active: one })),
});

test("a site is ok when what is declared is live, and every unit of it runs", () => {
  expect(told({ releases: [release(live, [true, true]), release(previous, [false, false])] })).toBe("ok");
  expect(told({}, previous)).toBe(`declared ${previous}`);
});

test("a unit of the live release that does not run is named", () => {
  expect(told({ releases: [release(live, [true, false])] })).toBe(`silver-web-blog.u1@${live}.service does not run`);
});

test("while somebody rolls out, that is what is told", () => {
  const holder = { who: "ann@desk", pid: 7, release: live, since: "2026-01-02T03:04:05Z" };
  expect(told({ holder, releases: [release(live, [false])] })).toBe(
    `ann@desk has been rolling out ${live} since 2026-01-02T03:04:05Z`,
  );
});
