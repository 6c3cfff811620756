import { afterEach, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import type { SiteState } from "../../components/node/contract.ts";
import { AgentNode, canDo, make, refusal, saying, type Made } from "../support/agent-node.ts";
import { burst } from "../support/load.ts";
import { http, poll, ssh, trySsh, useNodes, webPackages } from "../support/nodes.ts";
import type { TestNode } from "../support/nodes.ts";
import { ownerOf } from "../support/owner.ts";
import { testOs } from "../support/systems.ts";

const suite = useNodes("agent");

describe.each([testOs])("the agent on %s", (os) => {
  let node: TestNode;
  let agent: AgentNode;
  const sites = ["alpha", "beta"];

  beforeAll(async () => {
    node = await suite.boot("web1", { os, prepared: webPackages });
    agent = new AgentNode(node);
    await agent.install();
    await agent.converge(sites);
    await agent.deploy(make("alpha", saying("alpha one")));
    await agent.deploy(make("beta", saying("beta one")));
  });
  afterEach(() => agent.closeSessions());

  const read = async (site: string): Promise<string> => {
    const { status, body } = await http(node, "/", { Host: `${site}.test` });
    return status === 200 ? body : String(status);
  };
  const state = async (site: string): Promise<SiteState> => {
    const [found] = (await agent.once("status", { site })).sites;
    if (found === undefined) throw new Error(`no site ${site}`);
    return found;
  };
  const vcl = (site: string, digest: string) => `r_${site}_${digest.slice(0, 8)}`;
  /** What a burst of 1,000 requests over nearly as many connections as Varnish may open is answered, and what Varnish sent again. */
  const burstOf = async (site: string) => {
    const again = async () => {
      const counters = await ssh(node, "varnishstat -1 -f MAIN.backend_retry -f MAIN.backend_busy");
      return [...counters.matchAll(/^MAIN\.\w+ +(\d+)/gm)].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await again();
    const answered = await burst(node.address, `${site}.test`, { requests: 1000, connections: 120 });
    return { answered, again: (await again()) - before };
  };
  const nothingLost = { answered: { 200: 1000 }, again: 0 };
  /** What decides after the next boot, as the disk has it. */
  const bootLine = (site: string) => ssh(node, `grep -- '-vcl.label site_${site} ' /var/lib/silver/varnish/boot.cli`);

  test("a second converge changes nothing, and restarts nothing", async () => {
    const running = await ssh(node, "systemctl show -p MainPID varnish.service; nft list table inet silver");
    expect(await agent.converge(sites)).toEqual([]);
    expect(await ssh(node, "systemctl show -p MainPID varnish.service; nft list table inet silver")).toBe(running);
  });

  test("another os than declared is refused, with what to do", async () => {
    const { code, stderr } = await trySsh(
      node,
      "silver-agent converge",
      JSON.stringify({ owner: ownerOf(node.name), state: { ...agent.state(sites), os: "debian-99" } }),
    );
    expect(code).toBe(1);
    expect(stderr).toContain(`os-differs: ${node.name} runs ${os}, the environment declares debian-99`);
    expect(stderr).toContain(`What to do: write \`os: ${os}\``);
  });

  test("a new site answers 503 until it has a release, and the others go on", async () => {
    await agent.converge([...sites, "gamma"]);
    expect(await read("gamma")).toBe("503");
    expect(await read("alpha")).toBe("alpha one");
    await agent.converge(sites);
    expect(await read("gamma")).toBe("404");
    expect(await ssh(node, "varnishadm vcl.list")).not.toContain("site_gamma");
  });

  test("no visitor sees a release before its flip, and none is lost at it", async () => {
    const seen: string[] = [];
    let going = true;
    const visitors = [1, 2].map(async () => {
      while (going) seen.push(await read("alpha").catch(String));
    });
    const session = agent.session();
    const made = make("alpha", saying("alpha two"));
    const held = await agent.bring(session, made, "prepare");
    expect(await read("alpha")).toBe("alpha one");
    await session.ask("flip", { ...held, release: made.release.id, last: true });
    expect(await read("alpha")).toBe("alpha two");
    const { live } = await session.ask("undo", { ...held, reason: "a test" });
    expect(live).toBe(make("alpha", saying("alpha one")).release.id);
    expect(await read("alpha")).toBe("alpha one");
    await session.close();
    going = false;
    await Promise.all(visitors);
    expect([...new Set(seen)].sort()).toEqual(["alpha one", "alpha two"]);
    await poll(
      "what was undone is gone",
      30,
      async () => (await trySsh(node, `ls /srv/silver/alpha/releases/${made.release.id}`)).code !== 0,
    );
    expect((await trySsh(node, `systemctl cat silver-web-alpha@${made.release.id}.service`)).code).not.toBe(0);
  });

  test("a release keeps the exact bytes, owned by root and read-only, with bytecode that needs no writing", async () => {
    const { live } = await state("alpha");
    const directory = `/srv/silver/alpha/releases/${String(live)}`;
    expect(await ssh(node, `cat ${directory}/app/src/wsgi.py`)).toBe(saying("alpha one")["src/wsgi.py"]?.trimEnd());
    expect(await ssh(node, `find ${directory}/app ${directory}/conf ! -user root -o -perm /022 ! -type l`)).toBe("");
    expect(await ssh(node, `find ${directory} -name '*.pyc' | wc -l`)).toBe("1");
    expect(await ssh(node, `stat -c '%a %U %G' ${directory}/environ.json`)).toBe("640 root site-alpha");
    expect(await canDo(node, "site-alpha", `cat ${directory}/environ.json ${directory}/app/src/wsgi.py`)).toBe(true);
    expect(await canDo(node, "site-alpha", `touch ${directory}/app/x || touch /srv/silver/alpha/x`)).toBe(false);
  });

  test("one file with its size and time kept: what runs follows the release, there and back", async () => {
    const before = make("alpha", saying("alpha one"));
    // Same length, and rsync would keep the time: only the bytes differ.
    const other = make("alpha", saying("alpha uno"));
    await agent.deploy(other);
    expect(await read("alpha")).toBe("alpha uno");
    await agent.deploy(before);
    expect(await read("alpha")).toBe("alpha one");
  });

  test("an app that fails to load is reported with its traceback, without its secret", async () => {
    const session = agent.session();
    const made = make(
      "alpha",
      saying("never", "import os\nraise RuntimeError('key ' + os.environ['KEY'])"),
      {},
      { KEY: "hunter2-hunter2" },
    );
    const held = await agent.bring(session, made, "prepare");
    const asked = { through: "direct" as const, targets: [{ host: "alpha.test", path: "/" }], https: false };
    const expected = { status: 200, body: null, withinSeconds: 1 };
    const { answers, log } = await session.ask("check", { ...held, release: made.release.id, ...asked, ...expected });
    expect(answers).toEqual([expect.objectContaining({ ok: false, status: 500 })]);
    expect(answers[0]?.reason).toContain("status 500, expected 200, not from the app's own code");
    expect(log.join("\n")).toContain("RuntimeError: key [secret]");
    await session.ask("undo", { ...held, reason: "the check failed" });
    const finished = {
      verdict: "reverted",
      reason: "the check failed",
      seconds: 1,
      retain: 3,
      graceSeconds: 600,
      drainSeconds: 10,
    } as const;
    await session.ask("finish", { ...held, release: made.release.id, ...finished });
    expect(await read("alpha")).toBe("alpha one");
    const { lines } = await agent.once("logs", { site: "alpha", release: null, lines: 200, kind: "rollout" });
    expect(lines.join("\n")).toContain(`reverted: ${made.release.id}: the check failed`);
  });

  test.each([
    ["dies when it is loaded", "import os\nos._exit(3)"],
    ["hangs when it is loaded", "import time\ntime.sleep(600)"],
  ])("an app that %s is rolled back at once: nobody has asked it anything", async (_, first) => {
    const session = agent.session();
    const held = await agent.bring(session, make("alpha", saying("never", first)), "prepare");
    const start = performance.now();
    await session.ask("undo", { ...held, reason: "the check failed" });
    expect(performance.now() - start).toBeLessThan(5000);
  });

  test("a unit that can't start is reported with its last output, and leaves nothing", async () => {
    const made = make("alpha", saying("never"));
    const files = made.release.files.map((file) =>
      file.path === "conf/apache.conf" ? { ...file, content: `${file.content}\nNoSuchDirective On\n` } : file,
    );
    const session = agent.session();
    const { code, message, log } = await refusal(
      agent.bring(session, { ...made, release: { ...made.release, files } }, "prepare"),
    );
    expect(code).toBe("start");
    expect(message).toContain(`silver-web-alpha@${made.release.id}.service ended by itself`);
    expect(log?.join("\n")).toContain("Invalid command 'NoSuchDirective'");
    expect(await ssh(node, "ls /srv/silver/alpha/releases; systemctl list-units --all 'silver-web-alpha@*'")).not.toContain(
      made.release.id,
    );
    expect(await ssh(node, "cat /var/lib/silver/addresses.json")).not.toContain(made.release.id);
  });

  test("an upload that differs from the bundle is refused by name", async () => {
    const made = make("alpha", saying("never"));
    const session = agent.session();
    const { code, log } = await refusal(agent.bring(session, { ...made, app: { ...made.app, "src/more.py": "" } }, "prepare"));
    expect(code).toBe("bundle-differs");
    expect(log).toEqual(["src/more.py: not in the bundle"]);
  });

  test("a site's apt packages are installed, and one that apt doesn't know is named", async () => {
    const session = agent.session();
    const held = await agent.bring(session, make("alpha", saying("alpha three"), { packages: ["cowsay"] }), "prepare");
    expect(await ssh(node, "dpkg-query -W -f '${db:Status-Status}' cowsay")).toBe("installed");
    await session.ask("undo", { ...held, reason: "a test" });
    await session.close();
    const { code, message } = await refusal(
      agent.bring(agent.session(), make("alpha", saying("x"), { packages: ["no-such-thing"] }), "prepare"),
    );
    expect([code, message]).toEqual(["package", "apt has no package no-such-thing"]);
    const other = await refusal(
      agent.bring(agent.session(), make("beta", saying("x"), { packages: ["systemd-standalone-sysusers"] }), "prepare"),
    );
    expect([other.code, other.message]).toEqual([
      "package",
      "installing systemd-standalone-sysusers would remove other packages",
    ]);
    expect(await ssh(node, "dpkg-query -W -f '${db:Status-Status}' systemd-sysv")).toBe("installed");
    expect(await read("beta")).toBe("beta one");
    expect((await trySsh(node, "ls /usr/sbin/policy-rc.d")).code).not.toBe(0);
  });

  test("two sessions: one has the site, the other is told which, and another site is free", async () => {
    const first = agent.session();
    await agent.bring(first, make("alpha", saying("x")), "receive");
    const second = agent.session();
    const { code, holder } = await refusal(agent.bring(second, make("alpha", saying("x")), "receive"));
    expect([code, holder?.who]).toEqual(["leased", "test@here"]);
    await agent.bring(second, make("beta", saying("x")), "receive");
  });

  test("a connection that is cut after the flip of one of several nodes is undone there", async () => {
    const session = agent.session();
    await agent.bring(session, make("alpha", saying("alpha cut")), "flip");
    expect(await read("alpha")).toBe("alpha cut");
    await session.close();
    await poll(
      "the node has undone it",
      10,
      async () => (await state("alpha")).holder === null && (await read("alpha")) === "alpha one",
    );
    expect(await ssh(node, "tail -n 1 /srv/silver/alpha/history.jsonl")).toContain(
      "the driver of the rollout went away; this node undid it",
    );
  });

  /** As a power cut, or the kernel's killer: the agent has no chance to do anything. */
  const killAgents = () =>
    ssh(
      node,
      `for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -q 'agent.pyz serv[e]' && kill -9 \${p#/proc/}; done; true`,
    );

  test("after an agent is killed following a flip, the node itself recovers without being asked", async () => {
    await agent.bring(agent.session(), make("alpha", saying("alpha killed")), "flip");
    await killAgents();
    await poll("the node has undone it", 60, async () => (await read("alpha")) === "alpha one");
    expect(await ssh(node, "journalctl -q -u silver-recover.service -o cat")).toMatch(/^\{"changes": \[.*undone.*\}$/m);
    // What it did is told; that there was nothing to do is not.
    expect(await ssh(node, "journalctl -q -u silver-recover.service -o cat | grep -c skipped || true")).toBe("0");
  });

  test("after an agent is killed following a flip, the next lease recovers, and requests in hand finish", async () => {
    await ssh(node, "systemctl stop silver-recover.timer");
    onTestFinished(() => ssh(node, "systemctl start silver-recover.timer").then(() => undefined));
    await agent.bring(agent.session(), make("alpha", saying("alpha killed")), "flip");
    await killAgents();
    expect(await read("alpha")).toBe("alpha killed");
    const { recovered } = await agent.session().ask("lease", { site: "alpha", who: "next@here", pid: 1, release: "none" });
    expect(recovered[0]?.why).toBe("the driver of the rollout went away before the cut-over: undone");
    expect(await read("alpha")).toBe("alpha one");
  });

  test("the previous release stays warm, stops after its time, and serves again when deployed again", async () => {
    const [one, two] = [make("beta", saying("beta one")), make("beta", saying("beta two"))];
    await agent.deploy(two, { graceSeconds: 600 });
    expect((await state("beta")).releases.map(({ units }) => units[0]?.active)).toEqual([true, true]);
    await agent.deploy(one);
    await agent.deploy(two, { graceSeconds: 1 });
    await poll("it has stopped", 30, async () => {
      const { live, releases } = await state("beta");
      return releases.every(({ id, units }) => units[0]?.active === (id === live));
    });
    await poll(
      "Varnish has let it go",
      30,
      async () => !(await ssh(node, "varnishadm vcl.list")).includes(vcl("beta", one.release.digest)),
    );
    await agent.deploy(one);
    expect(await read("beta")).toBe("beta one");
    expect(await bootLine("beta")).toContain(vcl("beta", one.release.digest));
  });

  test("a burst right after a flip, and right after a rollback, loses no request", async () => {
    const before = make("alpha", saying("alpha one"));
    await agent.deploy(make("alpha", saying("alpha burst")));
    expect(await burstOf("alpha")).toEqual(nothingLost);
    await agent.deploy(before);
    expect(await burstOf("alpha")).toEqual(nothingLost);
    expect(await read("alpha")).toBe("alpha one");
  });

  test("a unit that starts at the cut-over runs only in the live release, once that is handed the work", async () => {
    const worker = {
      path: "conf/worker.service",
      mode: "0644",
      content: "[Service]\nUser=site-beta\nExecStart=sleep infinity\n",
    };
    const working = (text: string): Made => {
      const made = make("beta", saying(text));
      const units = [...made.release.units, { role: "worker", file: worker.path, starts: "cut-over" } as const];
      return { ...made, release: { ...made.release, files: [...made.release.files, worker], units } };
    };
    const [one, two] = [working("beta at work"), working("beta works on")];
    const work = async () => {
      const states = [one, two].map(({ release }) => `silver-worker-beta@${release.id}.service`);
      return (await trySsh(node, `systemctl is-active ${states.join(" ")}`)).stdout.trim().split("\n");
    };
    await agent.deploy(one, { works: true });
    expect(await work()).toEqual(["active", "inactive"]);
    const session = agent.session();
    const held = await agent.bring(session, two, "flip");
    expect(await read("beta")).toBe("beta works on");
    expect(await work()).toEqual(["active", "inactive"]);
    await session.ask("flip", { ...held, release: two.release.id, last: true });
    expect(await work()).toEqual(["active", "inactive"]);
    await session.ask("hand-over", { ...held, works: true });
    await poll("the work was handed over", 10, async () => (await work()).join() === "inactive,active");
    await session.ask("undo", { ...held, reason: "a test" });
    await poll("the work was handed back", 10, async () => (await work()).join() === "active,inactive");
    await session.close();
    await agent.deploy(make("beta", saying("beta one")), { works: true });
    await poll("nobody works", 10, async () => (await work()).join() === "inactive,inactive");
  });

  describe("the firewall", () => {
    const place = async (site: string) => {
      const { live, releases } = await state(site);
      const found = releases.find(({ id }) => id === live);
      if (found === undefined) throw new Error(`${site} has no live release`);
      return found;
    };
    const dial = (address: string, port: number) =>
      `timeout 3 python3 -c "import socket; socket.create_connection(('${address}', ${String(port)}), 2)"`;

    test("only root and Varnish reach a release, and Varnish's own command line", async () => {
      const { address, port } = await place("beta");
      expect(await canDo(node, "site-alpha", dial(address, port))).toBe(false);
      expect(await canDo(node, "site-beta", dial(address, port))).toBe(false);
      expect(await canDo(node, "root", dial(address, port))).toBe(true);
      expect(await canDo(node, "vcache", dial(address, port))).toBe(true);
      expect(await canDo(node, "site-alpha", dial("127.0.0.1", 6082))).toBe(false);
      expect(await canDo(node, "root", dial("127.0.0.1", 6082))).toBe(true);
    });

    test("a process that takes a stopped release's address gets no requests", async () => {
      const { address, port, units } = await place("beta");
      const web = units[0]?.name ?? "";
      await ssh(node, `systemctl stop ${web}`);
      const impostor = (user: string) =>
        ssh(
          node,
          `systemd-run --quiet --collect --unit=impostor-${user} --uid=${user} python3 -c "import http.server as h; h.HTTPServer(('${address}', ${String(port)}), h.SimpleHTTPRequestHandler).serve_forever()"`,
        );
      await impostor("site-alpha");
      await poll("it listens", 10, async () => (await ssh(node, "ss -Hltn")).includes(`${address}:${String(port)}`));
      expect(await canDo(node, "root", dial(address, port))).toBe(false);
      expect(await read("beta")).toBe("503");
      await ssh(node, "systemctl stop impostor-site-alpha");
      // The same from the site itself is heard: it is the firewall that makes the difference.
      await impostor("site-beta");
      await poll("the site's own is heard", 10, () => canDo(node, "root", dial(address, port)));
      await ssh(node, `systemctl stop impostor-site-beta; systemctl start ${web}`);
      await poll("beta is back", 30, async () => (await read("beta")) === "beta one");
    });

    test("only root reaches a cloud's metadata, and everyone its resolver", async () => {
      const addresses = ["169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "fd00:ec2::254", "fd20:ce::254"];
      await ssh(node, addresses.map((address) => `ip address add ${address} dev lo`).join("; "));
      const serve = (port: number) =>
        ssh(
          node,
          `systemd-run --quiet --collect --unit=metadata-${String(port)} python3 -m http.server --bind :: ${String(port)}`,
        );
      await Promise.all([53, 8080].map(serve));
      await poll("both listen", 10, async () => /\*:53\s[^]*\*:8080\s/.test(await ssh(node, "ss -Hltn | sort")));
      const reached = async (user: string, port: number) => {
        const found = await Promise.all(addresses.map((address) => canDo(node, user, dial(address, port))));
        return addresses.filter((_, index) => found[index]);
      };
      expect(await reached("site-alpha", 8080)).toEqual([]);
      expect(await reached("site-alpha", 53)).toEqual(addresses);
      expect(await reached("root", 8080)).toEqual(addresses);
      await ssh(
        node,
        `systemctl stop metadata-53 metadata-8080; ${addresses.map((address) => `ip address del ${address} dev lo`).join("; ")}`,
      );
    });

    test("a site can't take the places of those who log in to the node", async () => {
      for (const address of ["127.0.0.1", node.address]) {
        expect(await canDo(node, "site-alpha", dial(address, 22)), address).toBe(false);
        expect(await canDo(node, "nobody", dial(address, 22)), address).toBe(true);
      }
    });

    test("a site can't read another's files", async () => {
      for (const path of ["releases", "secret.txt", "state.json", "history.jsonl"]) {
        expect(await canDo(node, "site-alpha", `ls /srv/silver/beta/${path}`), path).toBe(false);
      }
      for (const path of ["/var/lib/silver/varnish/boot.cli", "/var/lib/silver/addresses.json", "/etc/varnish/secret"]) {
        expect(await canDo(node, "site-alpha", `cat ${path}`), path).toBe(false);
      }
    });

    test("it is restored after someone flushed it", async () => {
      await ssh(node, "nft flush ruleset");
      expect(await agent.converge(sites)).toEqual([
        { what: "the node's firewall", why: "its rules changed, or were not loaded" },
      ]);
      expect(await read("beta")).toBe("beta one");
    });
  });

  test("a secret is in one file, and nowhere else on a node", async () => {
    const secret = "sesame-0c1f2e";
    const made = make("beta", saying("beta secret"), {}, { KEY: secret });
    await agent.deploy(made);
    const places = `grep -rlF ${secret} /etc /var/lib /var/log /run /srv /tmp 2>/dev/null; grep -lF ${secret} /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; journalctl --sync; journalctl --no-pager | grep -F ${secret}; true`;
    // The shell that looks has it in its own words: it looks from stdin.
    const found = await ssh(node, "sh", places);
    expect(found).toBe(`/srv/silver/beta/releases/${made.release.id}/environ.json`);
    await agent.deploy(make("beta", saying("beta one")));
  });

  test("Varnish restarted with one site's VCL broken: that one answers 503, the others serve", async () => {
    const { live } = await state("alpha");
    const digest = make("alpha", saying("alpha one")).release.digest;
    expect(live).toBe(make("alpha", saying("alpha one")).release.id);
    const file = `/var/lib/silver/varnish/${vcl("alpha", digest)}.vcl`;
    await ssh(node, `cp ${file} /root/kept.vcl; echo 'this is no VCL' > ${file}; systemctl restart varnish`);
    await poll("beta serves", 20, async () => (await read("beta")) === "beta one");
    expect(await read("alpha")).toBe("503");
    // Asked to be live again, the release writes its VCL anew.
    await agent.deploy(make("alpha", saying("alpha one")));
    await poll("alpha serves again", 20, async () => (await read("alpha")) === "alpha one");
  });

  test("a full disk is reported as such, and the next run works once there is space", async () => {
    const made = make("alpha", saying("alpha full"));
    const releases = "/srv/silver/alpha/releases";
    const session = agent.session();
    const held = await agent.bring(session, made, "receive");
    await ssh(
      node,
      `mkdir -p /root/lower && mount -t tmpfs -o size=64k tmpfs /root/lower && cp -a ${releases}/*.partial /root/lower/`,
    );
    await ssh(node, `mount --bind /root/lower/${made.release.id}.partial ${releases}/${made.release.id}.partial`);
    await trySsh(node, "head -c 1M /dev/zero > /root/lower/filler");
    const { code } = await refusal(
      session.ask("prepare", { ...held, release: made.release, listing: made.listing, secrets: {}, startSeconds: 20 }),
    );
    expect(code).toBe("no-space");
    await ssh(node, `umount ${releases}/${made.release.id}.partial /root/lower`);
    await session.close();
    expect(await read("alpha")).toBe("alpha one");
    await agent.deploy(made);
    expect(await read("alpha")).toBe("alpha full");
    await agent.deploy(make("alpha", saying("alpha one")));
  });

  test("a removed site serves nothing and keeps its data, and gets it back", async () => {
    await ssh(node, "mkdir -p /srv/silver/beta/data/g1 && echo dear > /srv/silver/beta/data/g1/picture");
    await agent.converge(["alpha"]);
    const session = agent.session();
    const { token } = await session.ask("lease", { site: "beta", who: "test@here", pid: 1, release: "none" });
    const { archive } = await session.ask("remove", { site: "beta", token });
    await session.close();
    expect(await read("beta")).toBe("404");
    expect(await read("alpha")).toBe("alpha one");
    expect(
      await ssh(node, `ls ${String(archive)}/*/app/src/wsgi.py; ls ${String(archive)}/*/environ.json 2>/dev/null | wc -l`),
    ).toMatch(/wsgi.py\n0$/);
    expect(
      await ssh(
        node,
        "systemctl list-units 'silver-web-beta@*' --no-legend; ls /etc/systemd/system | grep silver-web-beta@ || true",
      ),
    ).toBe("");
    await agent.converge(sites);
    await agent.deploy(make("beta", saying("beta one")));
    expect(await read("beta")).toBe("beta one");
    expect(await ssh(node, "cat /srv/silver/beta/data/g1/picture")).toBe("dear");
  });

  test("a node that loses its power in the middle of a flip serves the old release after its boot, and all other sites", async () => {
    const made = make("alpha", saying("alpha lost"));
    await agent.bring(agent.session(), made, "flip");
    await killAgents();
    const boot = await ssh(node, "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic");
    await ssh(node, "sync; systemd-run --quiet --collect systemctl reboot --force --force").catch(() => undefined);
    await poll(
      "it has booted",
      60,
      async () =>
        (await ssh(node, "cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic")) !== boot,
    );
    await poll("both sites serve", 60, async () => (await read("alpha")) === "alpha one" && (await read("beta")) === "beta one");
    // Right after the boot nothing is warm yet: no request of a burst is lost then either.
    expect(await burstOf("alpha")).toEqual(nothingLost);
    expect(await state("alpha")).toMatchObject({ live: make("alpha", saying("alpha one")).release.id, holder: null });
    expect(await bootLine("alpha")).not.toContain(vcl("alpha", made.release.digest));
    expect(
      await ssh(
        node,
        "systemctl is-active silver-nft silver-ports silver-boot varnish; nft list set inet silver answerers | grep -c elements",
      ),
    ).toMatch(/^active\nactive\nactive\nactive\n1$/);
    expect(await ssh(node, "cat /proc/sys/net/ipv4/ip_local_reserved_ports")).toBe("20001-32767");
    expect(await ssh(node, "systemctl --failed --no-legend")).toBe("");
    expect(await agent.converge(sites)).toEqual([]);
  });
});
