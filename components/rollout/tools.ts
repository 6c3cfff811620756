import type { PackedApp, PackedTree } from "./packed.ts";
import type { Reporter } from "./reporter.ts";
import type { RolloutNode } from "./rollout.ts";
import type { Session } from "./session.ts";
import type { WheelSets } from "./wheels.ts";
import type { Uploaded, UploadOptions } from "./upload.ts";

/** What goes to the nodes of a rollout. */
export interface Shipment {
  app: PackedApp;
  /** Name of the node → its wheel set; empty when the app lists no libraries. */
  wheels: ReadonlyMap<string, PackedTree>;
}

/** What a rollout needs from outside; tests pass their own. */
export interface Tools {
  /** Starts a session with a node's agent; returns at once. */
  connect: (node: RolloutNode) => Session;
  /** How rsync reaches a directory of a node. */
  remote: (node: RolloutNode, directory: string) => { shell: string[]; target: string };
  upload: (options: UploadOptions) => Promise<Uploaded>;
  /** Reads the app's directory, and the site's configuration directory. */
  pack: () => Promise<PackedApp>;
  /** Makes the wheel set of every node, or finds it in the cache; none when the app lists no libraries. */
  wheels: (app: PackedApp) => Promise<WheelSets>;
  reporter: Reporter;
  /** Asks the rollout to end: before the cut-over it backs out, afterwards it finishes. The reason is a string. */
  stop: AbortSignal;
  /** `user@host` of who runs this, and the process. */
  holder: { who: string; pid: number };
  /** Seconds a silent node has to come back, and seconds between two tries. */
  settle: { withinSeconds: number; everySeconds: number };
}
