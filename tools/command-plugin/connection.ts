/**
 * Connections to nodes by the system's ssh: one a node, shared by all commands (ControlMaster), kept till the engine ends.
 * sshd drops logins beyond ten at once, and a login costs a quarter of a second.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { checkCredentials } from "./credentials.ts";
import { dialFailure } from "./dial-failure.ts";
import type { Connection, Endpoint } from "./inputs.ts";
import type { RunContext } from "./run.ts";
import { sshEnvironment, writeSshFolder, type SshFolder } from "./ssh-config.ts";

/** sshd's default is ten sessions a connection (MaxSessions); one of them keeps the connection open. */
const mostSessions = 8;
/** The first line of the session that keeps a connection open. */
const greeting = "silver-command-plugin connected";

/** An open connection: `ssh -F config node <command>` runs a command over it. */
export class Master {
  readonly config: string;
  readonly #process: ChildProcess;
  #free = mostSessions;
  readonly #waiting: (() => void)[] = [];
  #lost = false;

  constructor(config: string, process: ChildProcess) {
    this.config = config;
    this.#process = process;
  }

  get alive(): boolean {
    return !this.#lost && this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /** Asks the connection itself: its process can be on its way out when a session has just failed. */
  async answers(): Promise<boolean> {
    const check = spawn("ssh", ["-F", this.config, "-O", "check", "node"], { env: sshEnvironment(), stdio: "ignore" });
    const [code] = (await once(check, "exit")) as [number | null];
    if (code !== 0) this.#lost = true;
    return code === 0;
  }

  /** Runs `session` as soon as the connection has room for it. */
  async withSession<Result>(session: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await session();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const ended = once(this.#process, "exit");
    this.#process.kill();
    await ended;
  }
}

export class Connections {
  readonly #masters = new Map<string, Promise<Master>>();
  #folder: string | undefined;

  /** The connection to a host, dialled now if there is none; errors in the real plugin's words. */
  async open(connection: Connection, context: RunContext): Promise<Master> {
    const { proxy, ...endpoint } = connection;
    if (proxy === undefined) return this.#shared(endpoint, "Dial", context);
    try {
      const through = await this.#shared(proxy, "Dial proxy", context);
      return await this.#shared(endpoint, "Dial", context, through);
    } catch (error) {
      throw new Error(`proxy: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  }

  /** Ends all connections and removes their files. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#masters.values()].map(async (master) => (await master).close()));
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true, force: true });
  }

  async #shared(endpoint: Endpoint, title: string, context: RunContext, proxy?: Master): Promise<Master> {
    // The limits are part of the key: a caller with fewer tries must not wait for another's, or get its error.
    const identity = JSON.stringify([endpoint, proxy?.config]);
    for (let pending = this.#masters.get(identity); pending !== undefined; pending = this.#masters.get(identity)) {
      const master = await pending;
      if (master.alive) return master;
      // The first caller to see that it was lost forgets it; the others find the next dial.
      if (this.#masters.get(identity) === pending) this.#masters.delete(identity);
    }
    const dial = this.#dialWithRetries(endpoint, title, context, proxy);
    this.#masters.set(identity, dial);
    dial.catch(() => this.#masters.delete(identity));
    return dial;
  }

  /** The first try, then as many more as `dialErrorLimit` says, each after a longer wait. */
  async #dialWithRetries(endpoint: Endpoint, title: string, context: RunContext, proxy?: Master): Promise<Master> {
    const files = writeSshFolder(mkdtempSync(`${this.#root()}/`), endpoint, proxy && proxyCommand(proxy, endpoint));
    const limit = endpoint.dialErrorLimit;
    try {
      await checkCredentials(endpoint, files);
      for (let failed = 0, waitMillis = 100; ; failed += 1, waitMillis = Math.min(waitMillis * 1.5, 5000)) {
        const result = await dial(files, context.signal);
        if (result instanceof Master) return result;
        if (context.signal.aborted) throw new Error("context canceled");
        if (limit > -1 && failed >= limit) {
          throw new Error(`after ${failed} failed attempts: ${dialFailure(result.stderr, endpoint)}`);
        }
        context.log.progress(`${title} ${failed + 1}/${limit === -1 ? "inf" : limit} failed: retrying`);
        await sleep(waitMillis, undefined, { signal: context.signal }).catch(() => undefined);
      }
    } finally {
      files.forgetSecrets();
    }
  }

  /** Made when it is first needed. The path of a socket has at most 108 characters; ssh_config reads no odd ones. */
  #root(): string {
    const parent = /^[\w./-]{1,50}$/.test(tmpdir()) ? tmpdir() : "/tmp";
    this.#folder ??= mkdtempSync(`${parent}/silver-ssh-`);
    return this.#folder;
  }
}

/** Logs in once; without success, what ssh said about it. */
async function dial(files: SshFolder, signal: AbortSignal): Promise<Master | { stderr: string }> {
  // `cat` holds the connection open for as long as this process lives, however it ends. A session's variables get
  // through only where the master would send them too; it has none of its own to tell.
  const hold = `echo '${greeting}'; exec cat >/dev/null`;
  const ssh = spawn("ssh", ["-M", "-T", "-F", files.config, "-o", "SendEnv=*", "node", hold], {
    env: { ...sshEnvironment(), ...files.environment },
    stdio: ["pipe", "pipe", "pipe"],
    signal,
  });
  let stdout = "";
  let stderr = "";
  ssh.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  ssh.stdin.on("error", () => undefined);
  const connected = await new Promise<boolean>((resolve) => {
    ssh.stdout.on("data", (chunk: Buffer) => {
      stdout += chunk.toString();
      if (stdout.includes(`${greeting}\n`)) resolve(true);
    });
    ssh.on("error", (error) => {
      stderr += error.message;
      resolve(false);
    });
    ssh.on("close", () => {
      resolve(false);
    });
  });
  return connected ? new Master(files.config, ssh) : { stderr };
}

const proxyCommand = (proxy: Master, { host, port }: Endpoint): string =>
  `ssh -q -F ${proxy.config} -o ControlMaster=no -o ProxyCommand=false -W [${host}]:${port} node`;
