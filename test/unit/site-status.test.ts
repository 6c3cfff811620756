import { describe, expect, test } from "vitest";
import { redFirst, statesOnce, statusOf, type NodeReport } from "../../cli/site-status.ts";
import { renderStatus } from "../../cli/status.ts";
import { Failure } from "../../components/rollout/failure.ts";
import type { SiteState } from "../../components/node/contract.ts";

const live = "1.1.0-22222222.bbbbbbbb";
const previous = "1.0.0-11111111.aaaaaaaa";

const site = { site: "blog", serial: 2, live, previous, releases: [], generation: 1, holder: null, services: [] };

function told(changes: Partial<SiteState>, declared: string | null = live, verified?: NodeReport["verified"]): string {
  const report = { sites: [{ ...site, ...changes }], ...(verified && { verified }) };
  return statusOf("blog", declared, "web1", report).state;
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

test("where workers and jobs are to run and do not, that is told, unless another release serves", () => {
  const state = (works: boolean, changes: Partial<SiteState>) =>
    statusOf("blog", live, "web1", { sites: [{ ...site, ...changes }] }, works).state;
  expect(state(true, { works: false })).toBe("its workers and jobs do not run here: run silver up");
  expect(state(true, { works: true })).toBe("ok");
  expect(state(true, {})).toBe("ok");
  expect(state(false, { works: false })).toBe("ok");
  expect(state(true, { works: false, live: previous })).toBe(`declared ${live}`);
});

test("while somebody rolls out, that is what is told", () => {
  const holder = { who: "ann@desk", pid: 7, release: live, since: "2026-01-02T03:04:05Z" };
  expect(told({ holder, releases: [release(live, [false])] })).toBe(
    `ann@desk has been rolling out ${live} since 2026-01-02T03:04:05Z`,
  );
});

describe("what a node finds when it looks", () => {
  const wrongAnswer = "http://127.0.0.1:80/ (Host: blog.acme.net): status 503, expected 200";
  const found = (problems: string[], ofNode: string[] = []) => ({ problems: ofNode, sites: [{ site: "blog", problems }] });

  test("is reported for its own site only, after what its records say", () => {
    expect(told({}, live, { problems: [], sites: [{ site: "shop", problems: ["its label is lost"] }] })).toBe("ok");
    expect(told({}, live, found([wrongAnswer]))).toBe(wrongAnswer);
    expect(told({}, previous, found([wrongAnswer]))).toBe(`declared ${previous}; ${wrongAnswer}`);
  });

  test("is one reason: a wrong answer is a consequence of what else is wrong", () => {
    const stopped = { releases: [release(live, [false])] };
    expect(told(stopped, live, found([wrongAnswer]))).toBe(`silver-web-blog.u0@${live}.service does not run`);
    expect(told({}, live, found([wrongAnswer], ["Varnish does not run"]))).toBe("Varnish does not run");
  });

  test("is shown first and in red, and with one site of a node for all", () => {
    const down = new Failure({ step: "connect", code: "unreachable", message: "web2 can't be reached" });
    const sites = ["a", "b", "blog"].map((name) => ({ ...site, site: name }));
    const rows = redFirst([
      statusOf("a", live, "web1", { sites }),
      statusOf("b", live, "web2", down),
      statusOf("blog", live, "web2", down),
      statusOf("blog", live, "web1", { sites, verified: found([wrongAnswer]) }),
    ]);
    expect(rows.map(({ site: name, node }) => `${name} ${node}`)).toEqual(["b web2", "blog web2", "blog web1", "a web1"]);
    expect(statesOnce(rows)).toEqual(["unknown: web2 can't be reached", "as b", wrongAnswer, "ok"]);
    const lines = renderStatus(rows, true).split("\n");
    expect(lines.map((line) => line.startsWith("\u001b[31m"))).toEqual([false, true, true, true, false]);
    expect(renderStatus(rows, false)).not.toContain("\u001b");
  });
});

test("a worker that runs, and ends again and again, is told with its reason", () => {
  const [web, worker] = release(live, [true, true]).units;
  const units = [
    { name: web?.name ?? "", active: true },
    { name: worker?.name ?? "", active: true, problem: "mail ended again" },
  ];
  expect(told({ releases: [{ ...release(live, []), units }] })).toBe("mail ended again");
});

describe("a job", () => {
  const job = (changes: object) => ({
    name: "digest",
    next: 1_800_000_900,
    running: 0,
    last: { began: 1_800_000_000, seconds: 12.5, result: null },
    failures: 0,
    skipped: 0,
    ...changes,
  });

  test("whose last run failed is told, and one that never ran or runs now is not", () => {
    expect(told({ jobs: [job({}), job({ last: null }), job({ running: 1 })] })).toBe("ok");
    const last = { began: 1_800_000_000, seconds: 1, result: "exit code 1" };
    expect(told({ jobs: [job({ last, failures: 1 })] })).toBe("job digest failed at 2027-01-15T08:00Z: exit code 1");
    expect(told({ jobs: [job({ last, failures: 3 })] })).toContain(": exit code 1, 3 times in a row");
  });

  test("is a line below the sites, with its last run and its next", () => {
    const jobs = [job({}), job({ name: "never", last: null, next: null, running: 2, skipped: 4 })];
    const row = statusOf("blog", live, "web1", { sites: [{ ...site, jobs }] });
    expect(renderStatus([row], false).split("\n").slice(2)).toEqual([
      "",
      "JOB          NODE  LAST               ENDED           NEXT",
      "blog digest  web1  2027-01-15T08:00Z  ok after 12.5s  2027-01-15T08:15Z",
      "blog never   web1  -                  never           never              2 run now, skipped 4 times",
    ]);
  });
});
