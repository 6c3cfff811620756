import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { bundleListing } from "../../components/bundle/listing.ts";
import { packBundle } from "../../components/bundle/pack.ts";
import type { Args, Result, Verb } from "../../components/node/contract.ts";
import { agentZipapp } from "../../components/node/zipapp.ts";
import type { NodePlan, Route, SitePlan } from "../../components/plan/plan.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";
import type { NodeState, Release } from "../../components/render/rendered.ts";
import { spawnChannel, type Channel } from "../../components/rollout/channel.ts";
import { Failure } from "../../components/rollout/failure.ts";
import { Session } from "../../components/rollout/session.ts";
import { sshCommand } from "../../components/machines/ssh-command.ts";
import { ssh, trySsh } from "./nodes.ts";
import type { TestNode } from "./nodes.ts";
import { ownerOf } from "./owner.ts";

/** An app's files by path, as a test writes them. */
export type App = Record<string, string>;

/** A release, and what must be sent for it. */
export interface Made {
  release: Release;
  listing: string;
  app: App;
  secrets: Record<string, string>;
}

export interface Leased {
  site: string;
  token: number;
}

/** How far `bring` goes. */
type Upto = "receive" | "prepare" | "flip" | "cut-over" | "finish";

interface Keep {
  retain?: number;
  graceSeconds?: number;
  works?: boolean;
}

/** A WSGI app that answers everything with one text. */
export const saying = (text: string, first = ""): App => ({
  "src/wsgi.py": `${first}
def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`,
});

/** One node with the agent on it, and sites that are told to it verb by verb, without Pulumi and without the rollout. */
export class AgentNode {
  readonly node: TestNode;
  readonly #sessions: Session[] = [];

  constructor(node: TestNode) {
    this.node = node;
  }

  /** Puts the agent on the node. */
  async install(): Promise<void> {
    const zipapp = Buffer.from(agentZipapp().bytes).toString("base64");
    await ssh(this.node, "mkdir -p /usr/local/lib/silver && base64 -d > /usr/local/lib/silver/agent.pyz", zipapp);
    await ssh(
      this.node,
      "cat > /usr/local/bin/silver-agent && chmod 755 /usr/local/bin/silver-agent",
      '#!/bin/sh\nexec python3 -I /usr/local/lib/silver/agent.pyz "$@"\n',
    );
  }

  state(sites: readonly string[]): NodeState {
    const routes = sites.map(route);
    const plan: NodePlan = {
      name: this.node.name,
      machine: { kind: "local" },
      os: this.node.os,
      roles: ["web"],
      sites: [...sites],
      routes,
    };
    return renderNodeState({ environment: "test", ssh: { user: "root" }, nodes: [plan], sites: [], broken: [] }, plan);
  }

  /** Makes the node what these sites need. */
  async converge(sites: readonly string[], changes: Partial<NodeState> = {}): Promise<Result<"converge">["changes"]> {
    const state = JSON.stringify({ owner: ownerOf(this.node.name), state: { ...this.state(sites), ...changes } });
    return (JSON.parse(await ssh(this.node, "silver-agent converge", state)) as Result<"converge">).changes;
  }

  /** One verb without a session. */
  async once<V extends Verb>(verb: V, args: Args<V>): Promise<Result<V>> {
    return JSON.parse(await ssh(this.node, `silver-agent ${verb}`, JSON.stringify(args))) as Result<V>;
  }

  /**
   * @param onEvent hears what the agent says while it works
   * @param channel its SSH, for a test that cuts it
   */
  session(onEvent: (step: string, text: string) => void = () => undefined, channel = this.channel()): Session {
    const session = new Session({
      node: this.node.name,
      channel,
      onEvent,
      explain: (exit, stderr) => ({ code: "lost", message: `ssh ended with ${exit.code ?? "no code"}: ${stderr}` }),
    });
    this.#sessions.push(session);
    return session;
  }

  channel(): Channel {
    return spawnChannel(sshCommand({ ...this.node, user: "root" }, "exec silver-agent serve"));
  }

  async closeSessions(): Promise<void> {
    await Promise.all(this.#sessions.splice(0).map((session) => session.close()));
  }

  /** Takes the lease and brings a release as far as wanted; `works` hands its workers over as well. */
  async bring(session: Session, made: Made, upto: Upto, { works, ...keep }: Keep = {}): Promise<Leased> {
    const { release, listing, secrets } = made;
    const { token } = await session.ask("lease", { site: release.site, who: "test@here", pid: 1, release: release.id });
    const held = { site: release.site, token };
    const room = await session.ask("receive", { ...held, release: release.id, bundle: release.bundle.id });
    if (room.directory !== null) await this.#upload(room.directory, made.app);
    if (upto === "receive") return held;
    await session.ask("prepare", { ...held, release, listing, secrets, startSeconds: 20 });
    if (upto === "prepare") return held;
    await session.ask("flip", { ...held, release: release.id, last: upto !== "flip" });
    if (works === true) await session.ask("hand-over", { ...held, works });
    if (upto === "flip" || upto === "cut-over") return held;
    const told = { verdict: "live", reason: null, seconds: 1, drainSeconds: 10 } as const;
    await session.ask("finish", { ...held, release: release.id, ...told, retain: 3, graceSeconds: 600, ...keep });
    return held;
  }

  /** A whole rollout that goes well. */
  async deploy(made: Made, keep: Keep = {}): Promise<void> {
    const session = this.session();
    await this.bring(session, made, "finish", keep);
    await session.close();
  }

  async #upload(directory: string, app: App): Promise<void> {
    for (const [path, content] of Object.entries(app)) {
      await ssh(this.node, `mkdir -p '${dirname(join(directory, path))}' && cat > '${join(directory, path)}'`, content);
    }
  }
}

const route = (site: string): Route => ({ site, host: `${site}.test`, path: "/" });

/** Packs and renders a release, as planning does. */
export function make(site: string, app: App, changes: Partial<SitePlan> = {}, secrets: Record<string, string> = {}): Made {
  const root = mkdtempSync(join(tmpdir(), "silver-app-"));
  try {
    for (const [path, content] of Object.entries(app)) {
      mkdirSync(dirname(join(root, "app", path)), { recursive: true });
      writeFileSync(join(root, "app", path), content);
    }
    const { value: bundle, issues } = packBundle(root, "app", "1.0.0");
    if (bundle === undefined) throw new Error(JSON.stringify(issues));
    const release = renderRelease({
      name: site,
      user: `site-${site}`,
      app: "app",
      version: "1.0.0",
      platform: "python",
      runner: "src/wsgi.py",
      bundle,
      nodes: ["web1"],
      routes: [route(site)],
      packages: [],
      processes: { count: 2, threads: 1, memoryBytes: 400_000_000, requests: 5000 },
      timeouts: { requestSeconds: 10, startSeconds: 20, drainSeconds: 10 },
      limits: { bodyBytes: 64 * 1024 ** 2 },
      check: { path: "/", status: 200, withinSeconds: 10 },
      config: {},
      variables: {},
      secrets: Object.fromEntries(Object.keys(secrets).map((name) => [name, 1])),
      retain: 3,
      graceSeconds: 600,
      ...changes,
    });
    return { release, listing: bundleListing(bundle), app, secrets };
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** What a verb is refused with; fails when it is not. */
export async function refusal(asked: Promise<unknown>): Promise<Failure["details"]> {
  const result = await asked.then(
    (value: unknown) => new Error(`not refused: ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (result instanceof Failure) return result.details;
  throw result;
}

/** Runs a command as a user of the node; true when it succeeds. */
export async function canDo(node: TestNode, user: string, command: string): Promise<boolean> {
  const { code } = await trySsh(node, `runuser -u ${user} -- sh`, command);
  return code === 0;
}
