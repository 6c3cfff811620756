import type { FakeNode } from "./fake-agent.ts";
import { fakeChannel } from "./fake-agent.ts";
import type { Rollout } from "../../components/rollout/rollout.ts";
import { Session } from "../../components/rollout/session.ts";
import { explainSsh } from "../../components/rollout/ssh.ts";
import type { Tools } from "../../components/rollout/tools.ts";

export const oldRelease = "1.0.0-11111111.aaaaaaaa";
export const newRelease = "1.1.0-22222222.bbbbbbbb";
const digest = "2".repeat(64);

/** A rollout of `hello` over the nodes named. */
export const aRollout = (names: readonly string[], changes: Partial<Rollout> = {}): Rollout => ({
  site: "hello",
  declared: newRelease,
  release: {
    id: newRelease,
    digest: "b".repeat(64),
    site: "hello",
    user: "site-hello",
    bundle: { id: "1.1.0-22222222", digest },
    packages: [],
    files: [],
    variables: {},
    secrets: {},
  },
  app: "apps/hello",
  nodes: names.map((name, index) => ({
    name,
    address: `10.0.0.${index + 1}`,
    port: 22,
    user: "root",
    hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtleQ==",
    roles: ["web"],
  })),
  ssh: {},
  check: { path: "/health", status: 200, withinSeconds: 5 },
  routes: [{ host: "hello.test", path: "/" }],
  retain: 3,
  graceSeconds: 60,
  timeouts: { startSeconds: 5, drainSeconds: 5 },
  secrets: {},
  ...changes,
});

/** Tools over fake nodes by name; what is reported is collected in `told`. */
export function fakeTools(nodes: Record<string, FakeNode>, changes: Partial<Tools> = {}): Tools & { told: string[] } {
  const told: string[] = [];
  return {
    told,
    connect: (node) => {
      const fake = nodes[node.name];
      if (fake === undefined) throw new Error(`no fake node ${node.name}`);
      const route = { node, proxy: undefined, files: { knownHosts: "", control: "" } };
      return new Session({
        node: node.name,
        channel: fakeChannel(fake),
        onEvent: (step, text) => told.push(`${node.name} ${step} ${text}`),
        explain: (exit, stderr) => explainSsh(route, exit, stderr),
      });
    },
    remote: (_node, directory) => ({ shell: [], target: directory }),
    upload: () => Promise.resolve({ files: 1, bytes: 1 }),
    pack: () => Promise.resolve({ digest, listing: "", directory: "/app", paths: ["app.yaml"] }),
    wheels: () => Promise.resolve({ sets: new Map(), failures: [] }),
    reporter: {
      step: (node, step, text) => told.push(`${node} ${step} ${text}`),
      lines: (lines) => told.push(...lines),
    },
    stop: new AbortController().signal,
    holder: { who: "test@here", pid: 42 },
    settle: { withinSeconds: 0.05, everySeconds: 0.005 },
    ...changes,
  };
}
