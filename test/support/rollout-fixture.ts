import type { Rollout } from "../../components/rollout/rollout.ts";

const newRelease = "1.1.0-22222222.bbbbbbbb";
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
    units: [],
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
