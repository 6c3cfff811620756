/**
 * Real booted nodes for tests. Each suite has a clone id of its own, told by this checkout and the suite's name:
 * its nodes never meet the checkout's, those of another suite, or those of another worktree.
 */
import { rm } from "node:fs/promises";
import { request } from "node:http";
import type { IncomingHttpHeaders } from "node:http";
import { resolve } from "node:path";
import { afterAll, beforeAll } from "vitest";
import type { Clone } from "../../components/machines/clone.ts";
import type { NodeSpec } from "../../components/machines/create-node.ts";
import { ensureNode, removeAllNodes } from "../../components/machines/local-machine.ts";
import type { Machine } from "../../components/machines/machine.ts";
import { filesOf } from "../../components/machines/node-disk.ts";
import { runCommand } from "../../components/machines/run-command.ts";
import type { Finished } from "../../components/machines/run-command.ts";
import { sshCommand } from "../../components/machines/ssh-command.ts";
import { tellJournalsOf } from "./journals.ts";
import { sayImages, suiteClone } from "./suite-clone.ts";
import { testOs } from "./systems.ts";

/** A booted node, and what opens it. */
export interface TestNode extends Machine {
  /** Its root file system, seen from this computer. */
  root: string;
  keyFile: string;
  /** File with its host key. */
  knownHosts: string;
}

/** What a node answered over HTTP. */
export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What a test says of the node it wants. Default: a bare `testOs`. */
export type Wanted = Partial<Pick<NodeSpec, "os" | "prepared">>;

/** Nodes of one suite. */
export interface SuiteNodes {
  clone: Clone;
  /** Makes and boots a node; the same name twice is the same node. */
  boot: (name: string, wanted?: Wanted) => Promise<TestNode>;
}

/** What every web node has, for `prepared`: a node made with them needs no apt to become one. */
export const webPackages = ["apache2-bin", "libapache2-mod-wsgi-py3", "media-types", "varnish"];

/**
 * Call once at the top of a test file. Removes what a killed run left, and all nodes at the end.
 */
export function useNodes(suite: string): SuiteNodes {
  const clone = suiteClone(suite);
  const removeAll = async () => {
    await removeAllNodes(clone, sayImages);
    await rm(resolve(clone.nodesDirectory, ".."), { recursive: true, force: true });
  };
  beforeAll(removeAll);
  tellJournalsOf(clone);
  afterAll(removeAll);
  return {
    clone,
    boot: async (name, wanted = {}) => {
      return testNode(clone, await ensureNode(clone, { name, os: testOs, prepared: [], ...wanted }, sayImages));
    },
  };
}

/** A node of a clone, with what opens it. */
export function testNode(clone: Clone, machine: Machine): TestNode {
  const { root, knownHosts } = filesOf(clone, machine.name);
  return { ...machine, root, knownHosts, keyFile: clone.keyFile };
}

/** Runs a command line on a node as root, whatever its exit code. */
export function trySsh(node: TestNode, command: string, input = ""): Promise<Finished> {
  return runCommand(sshCommand({ ...node, user: "root" }, command), { input });
}

/** Runs a command line on a node as root, which must succeed, and returns its stdout without the last newline. */
export async function ssh(node: TestNode, command: string, input = ""): Promise<string> {
  const { code, stdout, stderr } = await trySsh(node, command, input);
  if (code !== 0) throw new Error(`on ${node.name}: ${command}\nexit code ${code ?? "none"}\n${stdout}${stderr}`);
  return stdout.replace(/\n$/, "");
}

/** Reboots a node by its own command; returns when the new boot lets us in. What it serves may come up later. */
export async function reboot(node: TestNode): Promise<void> {
  // The kernel's boot id may be this computer's: the node's init tells when it was started itself.
  const boot = () => ssh(node, "cut -d' ' -f22 /proc/1/stat");
  const old = await boot();
  await trySsh(node, "systemctl reboot");
  await poll(`${node.name} is booted anew`, 60, async () => (await boot()) !== old);
}

/**
 * Asks a node's port 80: GET, or POST where there is a body. `headers` may hold Host. Follows nothing, throws nothing but what
 * the network did.
 */
export function http(
  node: Pick<Machine, "address">,
  path: string,
  headers: Record<string, string> = {},
  body?: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // No shared connections: one that a restarted server closed would fail a request it never saw.
    const method = body === undefined ? "GET" : "POST";
    const sent = request({ host: node.address, path, method, headers, agent: false, timeout: 30_000 }, (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (text: string) => (answer += text));
      response.on("error", reject).on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer from ${node.address} in 30 s`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Asks until the answer is neither undefined nor false nor an error, and returns it; fails after `seconds` with the last reason. */
export async function poll<T>(what: string, seconds: number, ask: () => T | Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
  const deadline = Date.now() + seconds * 1000;
  let reason: unknown;
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== null && answer !== false) return answer as NonNullable<Exclude<T, false>>;
      reason = `it answered ${String(answer)}`;
    } catch (error) {
      reason = error;
    }
    if (Date.now() >= deadline) throw new Error(`waited ${seconds} s in vain: ${what}`, { cause: reason });
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits until the node's timer, which looks at :15 and :45 (render/node-units.ts), has just looked: nothing is mended, measured or ended unasked for 20 s. */
export async function betweenLooks(): Promise<void> {
  await poll("the timer has just looked", 40, () =>
    Promise.resolve(new Date().getSeconds() % 30 >= 17 && new Date().getSeconds() % 30 <= 21),
  );
}
