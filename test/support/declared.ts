import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach } from "vitest";
import { loadPlan } from "../../components/plan/load.ts";
import type { Plan } from "../../components/plan/plan.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";
import { deploy } from "../../components/rollout/deploy.ts";
import type { Outcome } from "../../components/rollout/outcome.ts";
import { packApp } from "../../components/rollout/pack-app.ts";
import { planRollout, requestRollout } from "../../components/rollout/rollout.ts";
import type { PlacedNode, Rollout, RolloutRequest } from "../../components/rollout/rollout.ts";
import { Session } from "../../components/rollout/session.ts";
import { explainSsh } from "../../components/rollout/ssh.ts";
import type { Tools } from "../../components/rollout/tools.ts";
import { FakeNode } from "./fake-node.ts";
import type { Way } from "./fake-node.ts";
import { ownerOf } from "./owner.ts";

/** A project with the one site `hello`, as it was declared at one time. */
export class Declared {
  readonly root = mkdtempSync(join(tmpdir(), "silver-declared-"));

  /**
   * @param version of the app
   * @param source its module
   * @param greeting config, which is in the release's id and not in the bundle's
   * @param secrets names of its secrets
   * @param check its manifest's
   * @param locations the site's
   * @param worker what its one worker and its one job run. Default: it has neither
   */
  constructor(
    version: string,
    {
      source = answering(version),
      greeting = "hi",
      secrets = [] as string[],
      check = "{path: /health, within: 5s}",
      locations = ["hello.test"],
      worker = undefined as string | undefined,
    } = {},
  ) {
    const required = ["GREETING", ...secrets].map((name) => `${name}: for a test`).join(", ");
    const config = [`GREETING: ${greeting}`, ...secrets.map((name) => `${name}: {secret: 1}`)].join(", ");
    this.write("apps/hello/src/wsgi.py", source);
    this.write(
      "apps/hello/app.yaml",
      `name: hello
version: "${version}"
runner: src/wsgi.py
config: {required: {${required}}}
check: ${check}
timeouts: {start: 5s}
${worker === undefined ? "" : "workers: {mail: {run: bin/mail, count: 2}}\ncron: {daily: {at: '@daily', run: bin/mail}}\n"}`,
    );
    if (worker !== undefined) {
      this.write("apps/hello/bin/mail", worker);
      chmodSync(join(this.root, "apps/hello/bin/mail"), 0o755);
    }
    const nodes = [1, 2, 3].map((number) => `  web${number}: ${host(number)}\n`);
    this.write(
      "stacks/test.yaml",
      `nodes:\n${nodes.join("")}sites:
  hello: {app: apps/hello, nodes: [web1, web2, web3], locations: [${locations.join(", ")}], config: {${config}}}
`,
    );
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  get plan(): Plan {
    const { value, issues } = loadPlan(this.root, "test");
    if (value === undefined) throw new Error(JSON.stringify(issues));
    return value;
  }

  /** What Pulumi asks of the nodes named, as they stand in the environment. */
  request(names: readonly string[], changes: Partial<RolloutRequest> = {}): RolloutRequest {
    const { plan } = this;
    const [site] = plan.sites;
    if (site === undefined) throw new Error("the plan has no site");
    return { ...requestRollout(plan.ssh, site, renderRelease(site).id, names.map(reach), {}), ...changes };
  }

  rollout(names: readonly string[]): Rollout {
    return planRollout(this.request(names));
  }
}

/** A WSGI app that answers everything with one text. */
export const answering = (text: string): string => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;

const hostKey = (number: string): string => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ${number}=`;
const host = (number: number): string =>
  `{host: 10.0.0.${number}, os: debian-12, roles: [web], hostKey: "${hostKey(String(number))}"}`;
const reach = (name: string): PlacedNode => ({
  name,
  address: `10.0.0.${name.slice("web".length)}`,
  port: 22,
  user: "root",
  hostKey: hostKey(name.slice("web".length)),
  roles: ["web"],
  owner: ownerOf(name),
});

export type Nodes = Record<string, FakeNode>;

/** Tools of a rollout over fake nodes by name; what is reported is collected in `told`. */
export function toolsOver(nodes: Nodes, declared: Declared, changes: Partial<Tools> = {}): Tools & { told: string[] } {
  const told: string[] = [];
  return {
    told,
    connect: (node) => {
      const fake = nodes[node.name];
      if (fake === undefined) throw new Error(`no fake node ${node.name}`);
      const route = { node, proxy: undefined, files: { knownHosts: "", control: "" } };
      return new Session({
        node: node.name,
        channel: fake.channel(),
        onEvent: (step, text) => told.push(`${node.name} ${step} ${text}`),
        explain: (exit, stderr) => explainSsh(route, exit, stderr),
      });
    },
    remote: (_node, directory) => ({ shell: [], target: directory }),
    upload: ({ from, paths, target }) => {
      for (const path of paths) cpSync(join(from, path), join(target, path));
      return Promise.resolve({ files: paths.length, bytes: 1 });
    },
    pack: () => Promise.resolve(packApp(declared.root, "apps/hello", undefined)),
    wheels: () => Promise.resolve({ sets: new Map(), failures: [] }),
    reporter: {
      step: (node, step, text) => told.push(`${node} ${step} ${text}`),
      lines: (lines) => told.push(...lines),
    },
    stop: new AbortController().signal,
    holder: { who: "test@here", pid: 42 },
    settle: { withinSeconds: 5, everySeconds: 0.02 },
    ...changes,
  };
}

/** Rolls out what was declared, to all of the nodes. */
export const rollOut = (nodes: Nodes, declared: Declared, changes: Partial<Tools> = {}): Promise<Outcome> =>
  deploy(declared.rollout(Object.keys(nodes)), toolsOver(nodes, declared, changes));

/** A fake node as a test wants it: what it serves (null: nothing), and the way to it. */
export type Wanted = Partial<Way> & { live: Declared | null };

/** What a test file makes nodes and projects with. */
export interface FakeNodes {
  /** Makes nodes, taken away after the test. */
  boot: <Name extends string>(wanted: Record<Name, Wanted>) => Promise<Record<Name, FakeNode>>;
  /** Declares the site, in a project that is taken away at the end. */
  declare: (...words: ConstructorParameters<typeof Declared>) => Declared;
}

/** Call once at the top of a test file. */
export function useFakeNodes(): FakeNodes {
  const booted: FakeNode[] = [];
  const projects: Declared[] = [];
  afterEach(async () => {
    await Promise.all(booted.splice(0).map((node) => node.stop()));
  });
  afterAll(() => {
    for (const { root } of projects) rmSync(root, { recursive: true });
  });
  const declare = (...words: ConstructorParameters<typeof Declared>): Declared => {
    const declared = new Declared(...words);
    projects.push(declared);
    return declared;
  };
  const anySite = declare("0.1.0");
  const boot = async <Name extends string>(wanted: Record<Name, Wanted>) => {
    const making = Object.entries<Wanted>(wanted).map(async ([name, { live, ...way }]) => {
      const node = await FakeNode.boot();
      booted.push(node);
      await setUp(name, node, anySite);
      if (live !== null) await bring(name, node, live);
      node.lay(way);
      return [name, node] as const;
    });
    return Object.fromEntries(await Promise.all(making)) as Record<Name, FakeNode>;
  };
  return { boot, declare };
}

/** Rolls out to one node, which must go well. */
async function bring(name: string, node: FakeNode, live: Declared): Promise<void> {
  const { verdict, failures } = await rollOut({ [name]: node }, live);
  if (verdict !== "live") throw new Error(JSON.stringify(failures));
}

/** Makes a node what the plan says, as Pulumi does before any rollout. */
async function setUp(name: string, node: FakeNode, { plan }: Declared): Promise<void> {
  const planned = plan.nodes.find((each) => each.name === name);
  if (planned === undefined) throw new Error(`the plan has no node ${name}`);
  const session = new Session({
    node: name,
    channel: node.channel(),
    onEvent: () => undefined,
    explain: (exit, stderr) => ({ code: "lost", message: `${String(exit.code)}: ${stderr}` }),
  });
  await session.ask("converge", { owner: ownerOf(name), state: renderNodeState(plan, planned) });
  await session.close();
}
