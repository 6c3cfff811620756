// apt that takes its time, sessions that end before it does, and what packages bring besides programs.
import { afterEach, beforeAll, expect, test } from "vitest";
import { AgentNode, make, saying } from "../support/agent-node.ts";
import { http, poll, reboot, ssh, trySsh, useNodes, webPackages } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";

const suite = useNodes("packages");
let node: TestNode;
let agent: AgentNode;

/** How long one package's script takes: longer than a session may be silent. */
const slowSeconds = 40;
/** Seconds without a word after which a driver would begin to wonder. */
const mostSilence = 15;

/** An archive in a directory of the node. A package's script takes so many seconds, then notes whether services were kept quiet. */
const archive = (packages: Record<string, number>) => `set -eu
mkdir -p /srv/archive && cd /srv/archive && rm -f Packages
${Object.entries(packages)
  .map(
    ([name, seconds]) => `mkdir -p ${name}/DEBIAN
cat > ${name}/DEBIAN/control <<END
Package: ${name}
Version: 1.0
Architecture: all
Maintainer: test <test@example.com>
Description: takes ${seconds} s
END
cat > ${name}/DEBIAN/postinst <<'END'
#!/bin/sh
sleep ${seconds}
test -x /usr/sbin/policy-rc.d && quiet=quiet || quiet=loud
echo ${name} $quiet >> /srv/archive/installed
END
chmod 755 ${name}/DEBIAN/postinst
dpkg-deb --build ${name} ${name}.deb >/dev/null
{ cat ${name}/DEBIAN/control; echo "Filename: ./${name}.deb"; stat -c 'Size: %s' ${name}.deb; echo "SHA256: $(sha256sum ${name}.deb | cut -d' ' -f1)"; echo; } >> Packages`,
  )
  .join("\n")}
echo 'deb [trusted=yes] file:/srv/archive ./' > /etc/apt/sources.list.d/archive.list
apt-get -q -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/archive.list -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 update
`;

beforeAll(async () => {
  node = await suite.boot("web1", { prepared: webPackages });
  agent = new AgentNode(node);
  await agent.install();
  await agent.converge(["alpha", "beta"]);
  await ssh(node, "sh", archive({ "silver-slow": slowSeconds, "silver-next": 1 }));
});
afterEach(() => agent.closeSessions());

test("apt goes on when its session is cut; later rollouts wait for it, are told so, and install the rest", async () => {
  const alpha = make("alpha", saying("alpha with a package"), { packages: ["silver-slow"] });
  const beta = make("beta", saying("beta with a package"), { packages: ["silver-next"] });

  const channel = agent.channel();
  const cut = agent.session(undefined, channel);
  const lost = agent.bring(cut, alpha, "prepare").catch((error: unknown) => error);
  const unit = "silver-packages@alpha.service";
  const subState = () => ssh(node, `systemctl show --property=SubState --value ${unit}`);
  await poll("the package's script runs", 60, async () => (await trySsh(node, "pgrep -f silver-slow.postinst")).code === 0);
  channel.kill();
  expect(await lost).toMatchObject({ details: { code: "lost" } });
  await poll("the lease is free", 10, async () => (await agent.once("status", { site: "alpha" })).sites[0]?.holder === null);
  expect(await subState()).toBe("running");

  const words: { at: number; word: string }[] = [];
  const hear = (site: string) => (step: string, text: string) => words.push({ at: Date.now(), word: `${site} ${step}: ${text}` });
  const start = Date.now();
  await Promise.all([
    agent.bring(agent.session(hear("alpha")), alpha, "finish"),
    agent.bring(agent.session(hear("beta")), beta, "finish"),
  ]);

  // Each package was installed once and whole, no service could start meanwhile, and nothing is left of it.
  expect(await ssh(node, "cat /srv/archive/installed")).toBe("silver-slow quiet\nsilver-next quiet");
  expect(await ssh(node, "dpkg --audit")).toBe("");
  expect((await trySsh(node, "ls /usr/sbin/policy-rc.d")).code).not.toBe(0);
  expect(await ssh(node, "systemctl list-units --all --plain --no-legend 'silver-packages*'")).toBe("");
  expect(await http(node, "/", { Host: "alpha.test" })).toMatchObject({ body: "alpha with a package" });
  expect(await http(node, "/", { Host: "beta.test" })).toMatchObject({ body: "beta with a package" });

  const said = words.map(({ word }) => word);
  // Whichever of the two came first to apt's lock waits for the unit, the other for the lock.
  expect(said).toContainEqual(expect.stringMatching(/^(alpha|beta) packages: waiting for what an earlier session installs$/));
  for (const site of ["alpha", "beta"]) {
    const times = [start, ...words.filter(({ word }) => word.startsWith(site)).map(({ at }) => at)];
    const gaps = times.slice(1).map((at, index) => (at - (times[index] ?? at)) / 1000);
    expect(times.length, site).toBeGreaterThan(3);
    expect(Math.max(...gaps), site).toBeLessThan(mostSilence);
  }
});

test("what a power cut left of an installation is put back in the confines of the unit that does so, at the next boot", async () => {
  const before = await ssh(node, "cat /etc/resolv.conf");
  await ssh(node, "cat >/var/lib/silver/resolv.json", JSON.stringify({ text: `${before}\n` }));
  await ssh(node, "ln -sfn ../run/nothing/resolv.conf /etc/resolv.conf; systemctl restart silver-boot.service");
  expect(await ssh(node, "cat /etc/resolv.conf")).toBe(before);
  expect((await trySsh(node, "ls /var/lib/silver/resolv.json")).code).not.toBe(0);
});

test("a server that comes with a package never takes port 80; an administrator's is named, and Varnish waits for the port", async () => {
  const served = make("alpha", saying("alpha with nginx"), { packages: ["nginx-light"] });
  await agent.bring(agent.session(), served, "finish");
  await reboot(node);
  const answers = () => http(node, "/", { Host: "alpha.test" }).catch(() => undefined);
  await poll("the site is back", 60, async () => (await answers())?.body === "alpha with nginx");
  expect((await trySsh(node, "systemctl is-active nginx.service")).stdout.trim()).toBe("inactive");

  await ssh(node, "systemctl unmask --quiet nginx.service; systemctl stop varnish.service; systemctl start nginx.service");
  await expect(agent.converge(["alpha", "beta"])).rejects.toThrow("port 80 is taken by nginx (nginx.service)");
  await ssh(node, "systemctl start --no-block varnish.service");
  const restarts = async () => Number(await ssh(node, "systemctl show --property=NRestarts --value varnish.service"));
  // systemd's own limit is five within ten seconds.
  await poll("Varnish tried often", 60, async () => (await restarts()) > 7);
  await ssh(node, "systemctl stop nginx.service");
  await poll("the site is back", 30, async () => (await answers())?.body === "alpha with nginx");
});
