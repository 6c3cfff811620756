/**
 * What our stand-in for the command plugin does on its own account, seen through its gRPC service without an engine:
 * it introduces itself, refuses what it can't do, shares connections, and leaves nothing behind.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import { credentials, Server, ServerCredentials, type ServiceError } from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import struct, { type JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb.js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { startSshd, type Sshd } from "../support/sshd.ts";

type Inputs = Record<string, JavaScriptValue>;

const main = resolve(import.meta.dirname, "../../tools/command-plugin/main.ts");
const urn = (type: string, name = "it") => `urn:pulumi:test::stand-in::${type}::${name}`;
const localType = "command:local:Command";
const remoteType = "command:remote:Command";

/** A stand-in under test, with an engine that only listens. */
class Plugin {
  readonly process: ChildProcessByStdio<Writable, Readable, null>;
  readonly client: services.ResourceProviderClient;
  readonly logged: LogRequest.AsObject[];
  /** Its temporary directory: whatever it leaves there is its own. */
  readonly folder: string;
  readonly #engine: Server;

  constructor(
    process: ChildProcessByStdio<Writable, Readable, null>,
    port: string,
    engine: { server: Server; logged: LogRequest.AsObject[] },
    folder: string,
  ) {
    this.process = process;
    this.client = new services.ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
    });
    this.#engine = engine.server;
    this.logged = engine.logged;
    this.folder = folder;
  }

  /** Any call of the service, as a promise. */
  call<Request, Response>(
    method: (request: Request, callback: (error: ServiceError | null, response: Response) => void) => unknown,
    request: Request,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      method.call(this.client, request, (error, response) => {
        if (error === null) resolve(response);
        else reject(error);
      });
    });
  }

  async create(type: string, inputs: Inputs): Promise<Inputs> {
    const request = new messages.CreateRequest().setUrn(urn(type)).setProperties(struct.Struct.fromJavaScript(inputs));
    const response = await this.call<messages.CreateRequest, messages.CreateResponse>(
      this.client.create.bind(this.client),
      request,
    );
    return response.getProperties()?.toJavaScript() ?? {};
  }

  async invoke(token: string, args: Inputs): Promise<{ result: Inputs; failures: string[] }> {
    const request = new messages.InvokeRequest().setTok(token).setArgs(struct.Struct.fromJavaScript(args));
    const response = await this.call<messages.InvokeRequest, messages.InvokeResponse>(
      this.client.invoke.bind(this.client),
      request,
    );
    const failures = response.getFailuresList().map((failure) => failure.getReason());
    return { result: response.getReturn()?.toJavaScript() ?? {}, failures };
  }

  async check(type: string, inputs: Inputs): Promise<string[]> {
    const request = new messages.CheckRequest().setUrn(urn(type)).setNews(struct.Struct.fromJavaScript(inputs));
    const response = await this.call<messages.CheckRequest, messages.CheckResponse>(this.client.check.bind(this.client), request);
    return response.getFailuresList().map((failure) => {
      expect(failure.getProperty()).toBe("");
      return failure.getReason();
    });
  }

  async stop(): Promise<void> {
    this.client.close();
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill("SIGINT");
      await once(this.process, "exit");
    }
    this.#engine.forceShutdown();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function startPlugin(told = ""): Promise<Plugin> {
  const logged: LogRequest.AsObject[] = [];
  const server = new Server();
  server.addService(engineService.EngineService, {
    log: (call: { request: LogRequest }, callback: (error: null, response: empty.Empty) => void) => {
      logged.push(call.request.toObject());
      callback(null, new empty.Empty());
    },
  });
  const enginePort = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) => {
      if (error) reject(error);
      else resolve(port);
    });
  });
  const folder = mkdtempSync(join(tmpdir(), "plugin-"));
  const child = spawn(process.execPath, [main, `127.0.0.1:${enginePort}`], {
    env: { ...process.env, TMPDIR: folder, SSH_AUTH_SOCK: "", SILVER_STAND_IN_TOLD: told },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  return new Plugin(child, line.toString().trim(), { server, logged }, folder);
}

const isRunning = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));

let plugin: Plugin;
beforeEach(async () => {
  plugin = await startPlugin();
});
afterEach(() => plugin.stop());

describe("the stand-in", () => {
  it("says once, through the engine, that it is one", async () => {
    await plugin.call<messages.ConfigureRequest, messages.ConfigureResponse>(
      plugin.client.configure.bind(plugin.client),
      new messages.ConfigureRequest(),
    );
    expect(plugin.logged).toMatchObject([{ urn: "", ephemeral: false, message: expect.stringContaining("stand-in") as string }]);
  });

  it("says it once an install, not once a run, where its install has a place to remember that", async () => {
    const folder = mkdtempSync(join(tmpdir(), "told-"));
    const logs: string[][] = [];
    for (let run = 1; run <= 2; run++) {
      const started = await startPlugin(join(folder, "told"));
      await started.call<messages.ConfigureRequest, messages.ConfigureResponse>(
        started.client.configure.bind(started.client),
        new messages.ConfigureRequest(),
      );
      logs.push(started.logged.map(({ message }) => message));
      await started.stop();
    }
    expect(logs).toEqual([[expect.stringContaining("stand-in")], []]);
    rmSync(folder, { recursive: true });
  });

  it("refuses other resources and functions by their name", async () => {
    await expect(plugin.check("command:remote:CopyToRemote", {})).rejects.toThrow(
      /command:remote:CopyToRemote is beyond the stand-in/,
    );
    await expect(plugin.invoke("command:local:exec", {})).rejects.toThrow(/command:local:exec is beyond the stand-in/);
  });

  it("runs a command at once, and logs what it is told to", async () => {
    const args = { command: "read word; echo $word $MORE; echo problem >&2", stdin: "said", environment: { MORE: "twice" } };
    const { result } = await plugin.invoke("command:local:run", { ...args, logging: "stderr" });
    expect(result).toMatchObject({ stdout: "said twice", stderr: "problem" });
    expect(plugin.logged.map(({ message }) => message)).toEqual(["problem"]);
    await expect(plugin.invoke("command:local:run", { command: "exit 3" })).rejects.toThrow(/exit status 3: running "exit 3"/);
    expect((await plugin.invoke("command:local:run", { create: "true", archivePaths: ["*"] })).failures).toEqual([
      "'archivePaths' is beyond the stand-in for pulumi-resource-command: it needs the real plugin",
      "Unrecognized field 'create' on 'local.RunArgs'",
      "Missing required field 'command' on 'local.RunArgs'",
    ]);
  });

  it("refuses inputs by their name, all of them at once, and prints no value", async () => {
    const secret = "behind-the-curtain";
    expect(await plugin.check(localType, { assetPaths: [secret], create: 5, creates: secret, dir: null })).toEqual([
      "'assetPaths' is beyond the stand-in for pulumi-resource-command: it needs the real plugin",
      "Field 'create' on 'local.CommandInputs' must be a string",
      "Unrecognized field 'creates' on 'local.CommandInputs'",
    ]);
    expect(await plugin.check(remoteType, { create: "true" })).toEqual([
      "Missing required field 'connection' on 'remote.CommandInputs'",
    ]);
    expect(await plugin.check(remoteType, { connection: { hostkey: secret, port: "22", proxy: { port: 22 } } })).toEqual([
      "Unrecognized field 'hostkey' on 'remote.Connection'",
      "Field 'port' on 'remote.Connection' must be a number",
      "Missing required field 'host' on 'remote.ProxyConnection'",
      "Missing required field 'host' on 'remote.Connection'",
    ]);
  });

  it("takes and gives messages larger than gRPC's own limit", async () => {
    const stdin = "x".repeat(5 * 1024 * 1024);
    expect((await plugin.create(localType, { create: "cat", stdin })).stdout).toBe(stdin);
  });

  it("kills a running command with all its children when the engine cancels", async () => {
    const trace = join(plugin.folder, "pids");
    const running = plugin.create(localType, { create: `sleep 60 & echo $$ $! >${trace}; wait` });
    running.catch(() => undefined);
    const pids = await vi.waitUntil(
      () => existsSync(trace) && /^(\d+) (\d+)\n/.exec(readFileSync(trace, "utf8"))?.slice(1).map(Number),
      30_000,
    );
    expect(pids.map(isRunning)).toEqual([true, true]);
    await plugin.call<empty.Empty, empty.Empty>(plugin.client.cancel.bind(plugin.client), new empty.Empty());
    await expect(running).rejects.toThrow("signal: killed: running");
    await vi.waitUntil(() => !pids.some(isRunning), 30_000);
  });

  it("ends with its commands when its engine is gone", async () => {
    const trace = join(plugin.folder, "pid");
    plugin.create(localType, { create: `echo $$ >${trace}; exec sleep 60` }).catch(() => undefined);
    const pid = Number(await vi.waitUntil(() => existsSync(trace) && readFileSync(trace, "utf8").trim(), 30_000));
    plugin.process.stdin.end();
    await once(plugin.process, "exit");
    await vi.waitUntil(() => !isRunning(pid), 30_000);
  });
});

describe("the stand-in's connections", () => {
  let sshd: Sshd;
  let connection: Inputs;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  beforeEach(() => {
    connection = {
      host: "127.0.0.1",
      port: sshd.port,
      user: sshd.user,
      privateKey: sshd.privateKey,
      dialErrorLimit: 10,
      perDialTimeout: 15,
    };
  });
  afterAll(() => sshd.remove());

  const logins = () => sshd.log.match(/Accepted publickey/g)?.length ?? 0;
  const files = () => readdirSync(plugin.folder, { recursive: true, encoding: "utf8" });

  it("log in once for all commands of a node, also for more of them than one connection carries at once", async () => {
    const before = logins();
    const runs = Array.from({ length: 25 }, (_, index) => plugin.create(remoteType, { connection, create: `echo ${index}` }));
    expect((await Promise.all(runs)).map(({ stdout }) => stdout)).toEqual(
      Array.from({ length: 25 }, (_, index) => String(index)),
    );
    expect(logins() - before).toBe(1);
  });

  it("put nothing secret into the process list, and keep the key only while they log in", async () => {
    const ps = "cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' ' '";
    const { stdout } = await plugin.create(remoteType, { connection, create: `# marked-script\n${ps}`, stdin: "marked-stdin" });
    expect(stdout).toContain("ssh");
    // The node's own shell shows the script; it is the same machine here.
    const own = JSON.stringify(stdout)
      .split("\\n")
      .filter((line) => line.includes(plugin.folder))
      .join("\n");
    expect(own).not.toMatch(/marked|PRIVATE KEY/);
    expect(files().some((path) => path.endsWith("/socket"))).toBe(true);
    expect(files().filter((path) => /\/(key|password|passphrase)$/.test(path))).toEqual([]);
  });

  it("leave no file and no process when the plugin ends", async () => {
    await plugin.create(remoteType, { connection, create: "true" });
    const ssh = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(plugin.folder));
    expect(ssh.length).toBeGreaterThan(0);
    plugin.process.kill("SIGINT");
    await once(plugin.process, "exit");
    expect(files()).toEqual([]);
    await vi.waitUntil(() => !ssh.map(Number).some(isRunning), 30_000);
  });

  it("are made anew when the node was gone in between, and a command cut off in the middle says so", async () => {
    await plugin.create(remoteType, { connection, create: "true" });
    const cut = plugin.create(remoteType, { connection, create: `touch ${plugin.folder}/begun; exec sleep 60` });
    cut.catch(() => undefined);
    await vi.waitUntil(() => existsSync(join(plugin.folder, "begun")), 30_000);
    await sshd.stop();
    await expect(cut).rejects.toThrow("wait: remote command exited without exit status or exit signal: running");
    await sshd.start();
    expect((await plugin.create(remoteType, { connection, create: "echo back" })).stdout).toBe("back");
  });

  const commandLine = (pid: string): string => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8");
    } catch {
      return "";
    }
  };
});
