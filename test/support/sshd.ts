/** An sshd of the test's own on loopback, with keys and an agent, in a temporary directory. It logs in as who runs the test. */
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** sshd must be started by its full path. */
const program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].find((path) => existsSync(path));
const startSeconds = 10;

export interface SshdOptions {
  /** Variables it lets in. Default: none. */
  acceptEnv?: string[];
  /** Default: a free one. */
  port?: number;
  /** Lets in who that one lets in. Default: it has a key of its own. */
  keysOf?: Sshd;
}

export class Sshd {
  readonly port: number;
  readonly user = userInfo().username;
  readonly folder: string;
  /** As for `connection.hostKey`. */
  readonly hostKey: string;
  /** Text of a private key it lets in. */
  readonly privateKey: string;
  /** The same key behind the passphrase `passphrase`. */
  readonly encryptedKey: string;
  readonly passphrase = "sesame opens";
  readonly #options: SshdOptions;
  #server: ChildProcess | undefined;
  readonly #agents: ChildProcess[] = [];

  constructor(folder: string, port: number, options: SshdOptions) {
    this.folder = folder;
    this.port = port;
    this.#options = options;
    for (const name of ["host", "user", "locked", "stranger"]) makeKey(join(folder, name));
    writeFileSync(join(folder, "locked"), readFileSync(join(folder, "user")), { mode: 0o600 });
    execFileSync("ssh-keygen", ["-q", "-p", "-P", "", "-N", this.passphrase, "-f", join(folder, "locked")]);
    this.hostKey = this.#read("host.pub").trim();
    this.privateKey = this.#read("user");
    this.encryptedKey = this.#read("locked");
  }

  /** Keys it does not know: a private one, and one no host has. */
  get strangerKey(): string {
    return this.#read("stranger");
  }

  get strangerHostKey(): string {
    return this.#read("stranger.pub").trim();
  }

  /** What it logged so far. */
  get log(): string {
    return this.#read("log");
  }

  /** Starts it, or starts it again after `stop()`; resolves when it answers. */
  async start(): Promise<void> {
    if (process.getuid?.() === 0) mkdirSync("/run/sshd", { recursive: true });
    const lines = [
      "ListenAddress 127.0.0.1",
      `Port ${this.port}`,
      `HostKey ${this.folder}/host`,
      `AuthorizedKeysFile ${this.#options.keysOf?.folder ?? this.folder}/user.pub`,
      "PidFile none",
      "StrictModes no",
      "UsePAM no",
      "PasswordAuthentication no",
      "KbdInteractiveAuthentication no",
      "LogLevel VERBOSE",
      // bash reads the .bashrc of who logs in, and whatever that one prints would be taken for the command's.
      `SetEnv HOME=${this.folder}`,
      "MaxStartups 100",
      ...(this.#options.acceptEnv ?? []).map((name) => `AcceptEnv ${name}`),
      // From 9.8 on, sshd shuts out an address from which logins fail, as tests make them.
      ...(version() >= 9.8 ? ["PerSourcePenalties no"] : []),
    ];
    writeFileSync(join(this.folder, "config"), `${lines.join("\n")}\n`);
    this.#server = spawn(program ?? "sshd", ["-D", "-f", join(this.folder, "config"), "-E", join(this.folder, "log")], {
      stdio: "ignore",
    });
    const deadline = Date.now() + startSeconds * 1000;
    while (!(await answers(this.port))) {
      if (Date.now() > deadline || this.#server.exitCode !== null) throw new Error(`sshd did not start:\n${this.log}`);
      await sleep(20);
    }
  }

  /** Ends it and every connection to it. */
  async stop(): Promise<void> {
    const server = this.#server;
    // Never started, or ended already.
    if (server?.exitCode !== null) return;
    // Its sessions are children of its own, in sessions of their own.
    const sessions = spawnSync("ps", ["-o", "pid=", "--ppid", String(server.pid)], { encoding: "utf8" }).stdout;
    server.kill();
    await once(server, "exit");
    for (const pid of sessions.split(/\s+/).filter(Boolean)) {
      try {
        process.kill(Number(pid));
      } catch {
        // It has ended in the meantime.
      }
    }
  }

  /** An agent with the known key; returns its socket. */
  async startAgent(): Promise<string> {
    const socket = join(this.folder, `agent-${this.#agents.length}`);
    this.#agents.push(spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" }));
    const deadline = Date.now() + startSeconds * 1000;
    while (!existsSync(socket)) {
      if (Date.now() > deadline) throw new Error("ssh-agent did not start");
      await sleep(20);
    }
    execFileSync("ssh-add", ["-q", join(this.folder, "user")], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    return socket;
  }

  async remove(): Promise<void> {
    for (const agent of this.#agents) agent.kill();
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #read(name: string): string {
    const path = join(this.folder, name);
    return existsSync(path) ? readFileSync(path, "utf8") : "";
  }
}

/** A running sshd; its maker calls `remove()` at the end. */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const sshd = await prepareSshd(options);
  await sshd.start();
  return sshd;
}

/** An sshd with its keys, to be started later. */
export async function prepareSshd(options: SshdOptions = {}): Promise<Sshd> {
  if (program === undefined) {
    throw new Error("These tests log in to an sshd of their own: install it (Debian, Ubuntu: apt-get install openssh-server).");
  }
  return new Sshd(mkdtempSync(join(tmpdir(), "silver-sshd-")), options.port ?? (await freePort()), options);
}

/** A port of 127.0.0.1 that nobody listens on at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

const makeKey = (path: string): void => {
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path]);
};

function version(): number {
  const { stderr } = spawnSync(program ?? "sshd", ["-V"], { encoding: "utf8" });
  return Number(/OpenSSH_(\d+\.\d+)/.exec(stderr)?.[1] ?? 0);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    const [banner] = (await once(socket, "data")) as [Buffer];
    return banner.toString().startsWith("SSH-");
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
