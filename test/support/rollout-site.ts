import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { installCommand, installInput } from "../../components/node/install-command.ts";
import { agentZipapp } from "../../components/node/zipapp.ts";
import { loadPlan } from "../../components/plan/load.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";
import { planRollout, requestRollout } from "../../components/rollout/rollout.ts";
import type { Rollout, RolloutRequest } from "../../components/rollout/rollout.ts";
import { http, poll, ssh } from "./nodes.ts";
import { ownerOf } from "./owner.ts";
import { startRollout } from "./rollout-program.ts";
import type { Ended, Running, StartOptions } from "./rollout-program.ts";
import { siteOn } from "./site-on.ts";
import type { Answer, TestNode } from "./nodes.ts";

/** An SSH agent with one key, as a person has it who runs a rollout. */
export async function sshAgent(keyFile: string): Promise<{ socket: string; stop: () => Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), "rollout-agent-"));
  const socket = join(directory, "s");
  const agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  await poll("the SSH agent listens", 10, () => existsSync(socket));
  const [code] = (await once(spawn("ssh-add", ["-q", keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } }), "close")) as [
    number,
  ];
  if (code !== 0) throw new Error(`ssh-add ${keyFile} ended with ${code}`);
  return {
    socket,
    stop: async () => {
      agent.kill();
      await once(agent, "close");
      rmSync(directory, { recursive: true });
    },
  };
}

/** A project with one site on real nodes: all that `pulumi up` would do with it, without Pulumi. */
export class RolloutSite {
  readonly root = mkdtempSync(join(tmpdir(), "rollout-site-"));
  readonly name: string;
  readonly host: string;
  readonly nodes: readonly TestNode[];
  readonly #socket: string;

  /** @param socket of the SSH agent that opens the nodes */
  constructor(name: string, nodes: readonly TestNode[], socket: string) {
    this.name = name;
    this.host = `${name}.test`;
    this.nodes = nodes;
    this.#socket = socket;
    this.writeEnvironment("config: {KEY: {secret: 1}}");
    this.write(
      `apps/${name}/app.yaml`,
      `name: ${name}
version: 1.0.0
runner: src/wsgi.py
config: {required: {KEY: a secret}}
check: {path: /health, status: 200, within: 3s}
processes: {count: 2}
timeouts: {start: 10s}
`,
    );
  }

  write(path: string, content: string): void {
    mkdirSync(dirname(join(this.root, path)), { recursive: true });
    writeFileSync(join(this.root, path), content);
  }

  /** Writes the environment: what it says of the site besides its app, locations and nodes. */
  writeEnvironment(site: string, locations: readonly string[] = [this.host], trustProxies = ""): void {
    const declared = this.nodes.map(
      (node) => `  ${node.name}: {host: ${node.address}, os: ${node.os}, roles: [web], hostKey: "${node.hostKey}"}\n`,
    );
    const names = this.nodes.map((node) => node.name).join(", ");
    this.write(
      "stacks/test.yaml",
      `ssh: {user: root}
trust_proxies: [${trustProxies}]
nodes:
${declared.join("")}sites:
  ${this.name}: {app: apps/${this.name}, locations: [${locations.join(", ")}], nodes: [${names}], ${site}}
`,
    );
  }

  /** Writes the app's one module. */
  writeApp(source: string): void {
    this.write(`apps/${this.name}/src/wsgi.py`, source);
  }

  /** Brings the agent to every node and makes it what the plan says. */
  async setUp(): Promise<void> {
    const plan = this.#plan();
    const agent = agentZipapp();
    for (const node of this.nodes) {
      const planned = plan.nodes.find(({ name }) => name === node.name);
      if (planned === undefined) throw new Error(`the plan has no node ${node.name}`);
      const state = renderNodeState(plan, planned);
      const { packages } = state;
      const facts = {
        node: node.name,
        os: node.os,
        packages,
        sites: planned.sites,
        routes: [],
        agent: agent.sha256,
        user: "root",
      };
      await ssh(node, installCommand(facts), installInput(agent, ownerOf(node.name), state, canonicalJson));
    }
  }

  /** What its program would do now. */
  rollout(): Rollout {
    return planRollout(this.request());
  }

  request(changes: Partial<RolloutRequest> = {}): RolloutRequest {
    const plan = this.#plan();
    const [site] = plan.sites;
    if (site === undefined) throw new Error("the plan has no site");
    const nodes = this.nodes.map(({ name, address, port, hostKey, machineId }) => ({
      name,
      address,
      port,
      user: "root",
      hostKey,
      machineId,
      owner: ownerOf(name),
    }));
    return { ...requestRollout(plan.ssh, site, renderRelease(site).id, nodes, { KEY: "sesame-open" }), ...changes };
  }

  start(options: StartOptions = {}, changes: Partial<RolloutRequest> = {}): Running {
    const env = { SSH_AUTH_SOCK: this.#socket, ...options.env };
    return startRollout(this.root, canonicalJson(this.request(changes)), { ...options, env });
  }

  /** Rolls out what the app is now. */
  deploy(changes: Partial<RolloutRequest> = {}): Promise<Ended> {
    return this.start({}, changes).ended;
  }

  /** What a visitor gets from a node. */
  get(node: TestNode, path = "/"): Promise<Answer> {
    return http(node, path, { Host: this.host });
  }

  /** What a visitor reads on each node. */
  async bodies(): Promise<string[]> {
    return (await Promise.all(this.nodes.map((node) => this.get(node)))).map(({ body }) => body);
  }

  /** What the agent of each node says of the site, with nobody holding its lease. */
  async states(): Promise<SiteFacts[]> {
    return Promise.all(
      this.nodes.map((node) =>
        poll(`${node.name} is left in peace`, 60, async () => {
          const { holder, live, serial } = await siteOn(node, this.name);
          return holder === null ? { live, serial } : undefined;
        }),
      ),
    );
  }

  remove(): void {
    rmSync(this.root, { recursive: true });
  }

  #plan() {
    const { value, issues } = loadPlan(this.root, "test");
    if (value === undefined) throw new Error(JSON.stringify(issues, null, 2));
    return value;
  }
}

export interface SiteFacts {
  live: string | null;
  serial: number;
}

/** A WSGI app that answers everything with one text. */
export const answering = (text: string): string => `def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;
