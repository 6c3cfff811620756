import type { Owner } from "./contract.ts";
import type { NodeState } from "../render/rendered.ts";
import type { Zipapp } from "./zipapp.ts";

/** What a reviewer must see of a node, at the head of its command, one fact per line: the rest travels hidden, by stdin. */
export interface InstallFacts {
  node: string;
  os: string;
  /** Id of a machine that Pulumi created: a new machine under an old name is set up again. */
  machineId?: string;
  packages: readonly string[];
  sites: readonly string[];
  /** What all its sites may take of its memory. */
  memory?: string;
  /** Proxies that it believes. */
  trustProxies?: readonly string[];
  /** How it speaks https. */
  https?: string;
  /** What its apt knows besides the distribution. */
  apt?: readonly string[];
  /** `blog.acme.net/ → blog`, most specific first. */
  routes: readonly string[];
  /** SHA-256 of the agent's zipapp. */
  agent: string;
  /** User that logs in; all but root go through `sudo -n`. */
  user: string;
}

/** Time limit of a node's set-up, in seconds: apt on a slow mirror needs minutes, a hung one must not hold the stack's lock for ever. */
const timeoutSeconds = 1200;

// Reads the zipapp (compressed, one base64 line) and the arguments of `converge` (the rest) from stdin; installs the first if it differs.
// Before that it has the new agent claim the node, from a directory of its own: another environment's node keeps its agent, too.
// It travels by stdin itself: a failed command's error repeats its script, which would hide what a person must read.
const installer = `
import json, os, subprocess, tempfile, zlib
agent = zlib.decompress(base64.b64decode(sys.stdin.buffer.readline()))
arguments = sys.stdin.buffer.read()
def ask(program, verb, arguments):
    done = subprocess.run([*program, verb], input=arguments, stdout=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(done.returncode)
with tempfile.TemporaryDirectory() as directory:
    with open(directory + "/agent.pyz", "wb") as new:
        new.write(agent)
    claim = {"owner": json.loads(arguments)["owner"]}
    ask(["python3", directory + "/agent.pyz"], "claim", json.dumps(claim).encode())
def install(path, content, mode):
    try:
        with open(path, "rb") as present:
            if present.read() == content:
                return
    except FileNotFoundError:
        pass
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "wb") as new:
        new.write(content)
        os.fchmod(new.fileno(), mode)
        os.fsync(new.fileno())
    os.replace(path + ".new", path)
install("/usr/local/lib/silver/agent.pyz", agent, 0o644)
install("/usr/local/bin/silver-agent", b"#!/bin/sh\\nexec python3 -I /usr/local/lib/silver/agent.pyz \\"$@\\"\\n", 0o755)
ask(["/usr/local/bin/silver-agent"], "converge", arguments)
`;

/** The script of a node's remote.Command. Claims the node, installs the agent and makes the node match its state; safe to run again. */
export function installCommand(facts: InstallFacts): string {
  const sudo = facts.user === "root" ? "" : "sudo -n ";
  return [
    `# node: ${facts.node} (${facts.os})`,
    ...(facts.machineId === undefined ? [] : [`# machine: ${facts.machineId}`]),
    `# packages: ${facts.packages.join(" ")}`,
    `# sites: ${facts.sites.join(" ")}`,
    ...(facts.memory === undefined ? [] : [`# memory: ${facts.memory}`]),
    ...(facts.trustProxies ?? []).map((proxy) => `# trusts: ${proxy}`),
    ...(facts.https === undefined ? [] : [`# https: ${facts.https}`]),
    ...(facts.apt ?? []).map((line) => `# apt: ${line}`),
    ...facts.routes.map((route) => `# route: ${route}`),
    `# agent: ${facts.agent.slice(0, 8)}`,
    `command -v python3 >/dev/null || { echo "${facts.node}: python3 is missing; run: apt-get install python3" >&2; exit 1; }`,
    `exec timeout ${timeoutSeconds} ${sudo}python3 -c 'import base64, sys; exec(base64.b64decode(sys.stdin.buffer.readline()))'`,
  ].join("\n");
}

/** stdin of that script, one line each: the installer, the agent, the arguments. No secret, no clock, no local path. */
export function installInput(agent: Zipapp, owner: Owner, state: NodeState, canonicalJson: (value: unknown) => string): string {
  const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString("base64");
  return `${base64(installer)}\n${base64(agent.compressed)}\n${canonicalJson({ owner, state })}\n`;
}
