import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { Plan, SitePlan } from "../../components/plan/plan.ts";
import { siteLabel, siteUnit } from "../../components/plan/site-name.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";
import { runPlaceholder } from "../../components/render/rendered.ts";
import { goldenPlans } from "../support/golden-plans.ts";
import { poll, ssh, trySsh, useNodes, webPackages } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { testOs } from "../support/systems.ts";

// What the golden files are worth: each of them goes through the program that reads it, on each release of Debian.
const suite = useNodes("golden");
const plans = Object.entries(goldenPlans);

describe.each([testOs])("on %s", (os) => {
  let node: TestNode;

  beforeAll(async () => {
    node = await suite.boot("web1", { os, prepared: [...webPackages, "haproxy", "php-fpm"] });
    // What the boot unit starts comes with the agent, and verify wants it to be there.
    put(node, { "/usr/local/bin/silver-agent": "#!/bin/sh\n" }, 0o755);
  });

  describe.each(plans)("environment %s", (_, plan) => {
    test.each(sitesOf(plan))("Apache takes the configuration of %s without a word", async (_name, site) => {
      const { root } = putRelease(node, site);
      // The unit makes its directory in /run before it starts Apache.
      const run = /DefaultRuntimeDir "(.*)"/.exec(readFileSync(join(node.root, root, "conf/apache.conf"), "utf8"))?.[1] ?? "";
      const { code, stdout, stderr } = await trySsh(node, `mkdir -p ${run} && apache2 -t -f ${root}/conf/apache.conf`);
      expect({ code, said: stdout + stderr }).toEqual({ code: 0, said: "Syntax OK\n" });
    });

    test.each(sitesOf(plan))("Varnish compiles the VCL of %s", async (_name, site) => {
      const { root } = putRelease(node, site);
      const { code, stderr } = await trySsh(
        node,
        `varnishd -C -s cache=malloc,1m -s forms=malloc,1m -s spool=malloc,1m -f ${root}/conf/site.vcl >/dev/null`,
      );
      expect(code, stderr).toBe(0);
    });

    test.each(sitesOf(plan))("systemd finds nothing in the units of %s, and few ways out of them", async (_name, site) => {
      for (const unit of putRelease(node, site).units) {
        const verified = await trySsh(node, `systemd-analyze verify '${unit}'`);
        expect(verified).toMatchObject({ code: 0, stdout: "", stderr: "" });
        if (!unit.endsWith(".timer")) await expectConfined(node, unit);
      }
    });

    test.each(sitesOf(plan).filter(([, { platform }]) => platform === "python"))(
      "Python compiles what mod_wsgi loads for %s",
      async (_name, site) => {
        const { root } = putRelease(node, site);
        expect(
          await ssh(
            node,
            `python3 -W error -c 'import ast, sys; [ast.parse(open(name).read()) for name in sys.argv[1:]]' ${root}/conf/*.py`,
          ),
        ).toBe("");
        expect(JSON.parse(readFileSync(join(node.root, root, "conf/site.json"), "utf8"))).toMatchObject({ site: site.name });
      },
    );

    test.each(sitesOf(plan).filter(([, { platform }]) => platform === "php"))(
      "PHP takes what is rendered for %s",
      async (_name, site) => {
        const { root } = putRelease(node, site);
        const { code, stderr } = await trySsh(
          node,
          `runuser -u nobody -- $(ls /usr/sbin/php-fpm*) -t -O -y ${root}/conf/php-fpm.conf`,
        );
        expect(code, stderr).toBe(0);
        expect(stderr).not.toMatch(/WARNING|ERROR/);
        expect(await ssh(node, `php -l ${root}/conf/prepend.php`)).toContain("No syntax errors");
      },
    );

    test.each(plan.nodes.map((planned) => [planned.name, planned] as const))(
      "what %s gets is read by its programs",
      async (_name, planned) => {
        const state = renderNodeState(plan, planned);
        put(node, Object.fromEntries(state.files.map(({ path, content }) => [path, content])));
        const units = state.files.filter(({ path }) => path.endsWith(".service")).map(({ path }) => path);
        expect(await trySsh(node, `systemd-analyze verify ${units.join(" ")}`)).toMatchObject({
          code: 0,
          stdout: "",
          stderr: "",
        });
        for (const unit of units) await expectConfined(node, unit);
        expect(await trySsh(node, "nft -c -f /etc/silver/nft.conf")).toMatchObject({ code: 0, stdout: "", stderr: "" });
        if (!planned.roles.includes("web")) return;
        const memory = await ssh(node, "systemctl daemon-reload; systemctl show --value -p MemoryMax silver.slice");
        expect(memory).toBe(String(planned.memoryBytes ?? "infinity"));
        await startVarnish(node, state.sites);
      },
    );
  });

  test("systemd finds few ways out of Varnish, and out of what retires releases", async () => {
    await expectConfined(node, "varnish.service");
    // Transient, as the agent starts it.
    await ssh(
      node,
      "systemd-run --quiet --unit=silver-retire-hello@1.0.0 --on-active=600 true; systemctl start silver-retire-hello@1.0.0",
    );
    await expectConfined(node, "silver-retire-hello@1.0.0.service");
  });

  test("Varnish's list of VCLs comes whole, however many sites there are", async () => {
    await ssh(node, "systemctl restart varnish.service");
    await poll("Varnish answers", 30, () => ssh(node, "varnishadm ping"));
    await ssh(node, "for number in $(seq 450); do varnishadm vcl.label site_many_$number s503 >/dev/null || exit; done");
    const list = await ssh(node, "varnishadm vcl.list -j");
    expect(list.length).toBeGreaterThan(65_536);
    expect((JSON.parse(list) as unknown[]).length).toBeGreaterThan(450);
  });

  /** The way a node boots: Debian's unit with our drop-in, labels on the 503 VCL, then the top VCL that names them. */
  async function startVarnish(on: TestNode, sites: { name: string }[]): Promise<void> {
    const lines = [
      "vcl.load s503 /etc/silver/varnish/s503.vcl",
      ...sites.map(({ name }) => `vcl.label ${siteLabel(name)} s503`),
      "vcl.load top /etc/silver/varnish/top.vcl",
      "vcl.use top",
    ];
    put(on, { "/var/lib/silver/varnish/boot.cli": lines.map((line) => `${line}\n`).join("") });
    await ssh(on, "systemctl daemon-reload && systemctl restart varnish.service");
    const list = await poll("Varnish answers", 30, () => ssh(on, "varnishadm vcl.list"));
    expect(list).toMatch(/^active .* top$/m);
    for (const { name } of sites) expect(list).toMatch(new RegExp(`\\b${siteLabel(name)} +-> +s503`));
  }
});

/**
 * Exposure of units, of 100, as `systemd-analyze security` counts. Those of a site have less than 20. The agent is root to every site;
 * Varnish is root until it has opened port 80, and its VCL is compiled there. Debian's varnish.service has 83, an empty unit 96.
 */
const exposure: Record<string, number> = { agent: 32, "varnish.service": 28 };

async function expectConfined(node: TestNode, unit: string): Promise<void> {
  const name = unit.slice(unit.lastIndexOf("/") + 1);
  const most = exposure[/^silver-(boot|recover|measure|retire|cron)/.test(name) ? "agent" : name] ?? 20;
  const offline = unit.startsWith("/") ? "--offline=true" : "";
  const { code, stdout } = await trySsh(node, `systemd-analyze security ${offline} --threshold=${most} --no-pager '${unit}'`);
  expect(code, stdout).toBe(0);
}

function sitesOf(plan: Plan): [string, SitePlan][] {
  return plan.sites.map((site) => [site.name, site]);
}

/** Writes files onto a node: a missing directory is made. */
function put(node: TestNode, files: Record<string, string>, mode = 0o644): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(node.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
  }
}

/** A release's files where the agent puts them, with the placeholders filled in as the agent does. */
function putRelease(node: TestNode, site: SitePlan): { root: string; units: string[] } {
  const release = renderRelease(site);
  const root = `/srv/silver/${site.name}/releases/${release.id}`;
  const values = {
    "@ROOT@": root,
    "@ADDRESS@": "127.64.0.2",
    "@PORT@": "20001",
    "@RELEASE@": release.id,
    [runPlaceholder]: "/var/lib/silver/runs/0123456789abcdef",
    "@WRITABLE@": `/srv/silver/${site.name}/data/web/g1`,
    "@VCL@": `r_${siteLabel(site.name).slice("site_".length)}_${release.digest.slice(0, 8)}`,
  };
  const fill = (text: string) => Object.entries(values).reduce((filled, [name, value]) => filled.replaceAll(name, value), text);
  const files = release.files.map(({ path, content }) => [`${root}/${path}`, fill(content)] as const);
  const named = release.units.map(
    ({ role, name, kind = "service", file }) => [`${siteUnit(site.name, role, name)}@${release.id}.${kind}`, file] as const,
  );
  const others = (["check", "run"] as const).map(
    (role) => [`${siteUnit(site.name, role)}@${release.id}.service`, `conf/${role}.service`] as const,
  );
  const jobs = (site.work?.jobs ?? []).map(
    ({ name }) => [`${siteUnit(site.name, "job", `${name}.1`)}@${release.id}.service`, `conf/job.${name}.service`] as const,
  );
  const units = [...named, ...others, ...jobs].flatMap(([name, path]) => {
    const [, text] = files.find(([file]) => file === `${root}/${path}`) ?? [];
    return text === undefined ? [] : [[`/etc/systemd/system/${name}`, text] as const];
  });
  mkdirSync(join(node.root, root, "app"), { recursive: true });
  // What the agent makes stand for the site's services.
  put(node, { [`/etc/systemd/system/silver-data-${site.name}.target`]: "[Unit]\n" });
  put(node, { ...Object.fromEntries(files), ...Object.fromEntries(units) });
  return { root, units: units.map(([path]) => path) };
}
