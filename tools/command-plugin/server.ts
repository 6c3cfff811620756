/** The provider protocol: one gRPC service that passes each call on. */
import { setMaxListeners } from "node:events";
import { closeSync, openSync } from "node:fs";
import { Server, ServerCredentials, status, type handleUnaryCall } from "@grpc/grpc-js";
import empty from "google-protobuf/google/protobuf/empty_pb.js";
import pluginMessages from "@pulumi/pulumi/proto/plugin_pb.js";
import messages from "@pulumi/pulumi/proto/provider_pb.js";
import services from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { Connections } from "./connection.ts";
import { diffInputs, headOf, replaces, type Change } from "./diff.ts";
import { checkInputs, checkRun, localRun, localType, remoteType } from "./inputs.ts";
import { runLocal } from "./local.ts";
import { EngineLog } from "./log.ts";
import { runRemote } from "./remote.ts";
import { create, newId, previewCreate, previewUpdate, remove, runOnce, update, type Run } from "./resource.ts";
import type { RunContext } from "./run.ts";
import { readStruct, writeStruct } from "./values.ts";

/** The version of the real plugin that this one behaves like. */
const version = "1.2.1";
const introduction =
  `The command plugin is Silverlining's stand-in for pulumi-resource-command ${version}: ` +
  "it runs local.Command, local.run and remote.Command and refuses the rest.";

export interface RunningServer {
  port: number;
  stop(): Promise<void>;
}

/**
 * @param engine the address of the engine that started us
 * @param told a file that exists once it has introduced itself here. Default: it does so in each run
 */
export async function startServer(engine: string, told?: string): Promise<RunningServer> {
  const log = new EngineLog(engine);
  const connections = new Connections();
  const cancelled = new AbortController();
  // Each running command listens to it.
  setMaxListeners(0, cancelled.signal);
  const context = (urn: string): RunContext => ({ log: log.about(urn), signal: cancelled.signal });
  const runners: Record<string, Run> = {
    [localType]: runLocal,
    [remoteType]: (script, inputs, runContext) => runRemote(script, inputs, runContext, connections),
  };
  const runner = (urn: string): Run => {
    const run = runners[typeOf(urn)];
    if (run === undefined) throw refusal(typeOf(urn));
    return run;
  };

  // The engine's limit for a message; gRPC's own is 4 MiB.
  const largest = { "grpc.max_receive_message_length": 400 * 1024 * 1024, "grpc.max_send_message_length": -1 };
  const server = new Server(largest);
  server.addService(services.ResourceProviderService, {
    getPluginInfo: answer<empty.Empty, pluginMessages.PluginInfo>(() => new pluginMessages.PluginInfo().setVersion(version)),
    checkConfig: answer<messages.CheckRequest, messages.CheckResponse>((request) =>
      new messages.CheckResponse().setInputs(request.getNews()),
    ),
    diffConfig: answer<messages.DiffRequest, messages.DiffResponse>(() =>
      new messages.DiffResponse().setChanges(messages.DiffResponse.DiffChanges.DIFF_NONE),
    ),
    configure: answer<messages.ConfigureRequest, messages.ConfigureResponse>(async () => {
      const { say, sent } = log.about("");
      if (isFirst(told)) say("INFO", introduction);
      await sent();
      return new messages.ConfigureResponse().setAcceptsecrets(true).setSupportspreview(true).setAcceptresources(true);
    }),
    invoke: answer<messages.InvokeRequest, messages.InvokeResponse>(async (request) => {
      if (request.getTok() !== localRun) throw refusal(request.getTok());
      const args = readStruct(request.getArgs());
      const failures = checkRun(args);
      if (failures.length > 0) {
        return new messages.InvokeResponse().setFailuresList(
          failures.map((reason) => new messages.CheckFailure().setReason(reason)),
        );
      }
      return new messages.InvokeResponse().setReturn(writeStruct(await runOnce(args, runLocal, context(""))));
    }),
    check: answer<messages.CheckRequest, messages.CheckResponse>((request) => {
      runner(request.getUrn());
      const { inputs, failures } = checkInputs(typeOf(request.getUrn()), readStruct(request.getNews()));
      return new messages.CheckResponse()
        .setInputs(writeStruct(inputs))
        .setFailuresList(failures.map((reason) => new messages.CheckFailure().setReason(reason)));
    }),
    diff: answer<messages.DiffRequest, messages.DiffResponse>((request) =>
      renderDiff(diffInputs(readStruct(request.getOldInputs()), readStruct(request.getNews()))),
    ),
    create: answer<messages.CreateRequest, messages.CreateResponse>(async (request) => {
      const urn = request.getUrn();
      const inputs = readStruct(request.getProperties());
      const made = request.getPreview() ? previewCreate(inputs) : await create(inputs, runner(urn), context(urn));
      return new messages.CreateResponse().setId(newId(nameOf(urn))).setProperties(writeStruct(made));
    }),
    read: answer<messages.ReadRequest, messages.ReadResponse>((request) =>
      new messages.ReadResponse().setId(request.getId()).setProperties(request.getProperties()).setInputs(request.getInputs()),
    ),
    update: answer<messages.UpdateRequest, messages.UpdateResponse>(async (request) => {
      const urn = request.getUrn();
      const old = readStruct(request.getOlds());
      const inputs = readStruct(request.getNews());
      const made = request.getPreview() ? previewUpdate(old, inputs) : await update(old, inputs, runner(urn), context(urn));
      return new messages.UpdateResponse().setProperties(writeStruct(made));
    }),
    delete: answer<messages.DeleteRequest, empty.Empty>(async (request) => {
      const urn = request.getUrn();
      await remove(readStruct(request.getProperties()), runner(urn), context(urn));
      return new empty.Empty();
    }),
    // Also called when the engine ends as usual and nothing runs any more.
    cancel: answer<empty.Empty, empty.Empty>(() => {
      cancelled.abort();
      return new empty.Empty();
    }),
  });

  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return {
    port,
    stop: async () => {
      cancelled.abort();
      await connections.close();
      log.close();
      server.forceShutdown();
    },
  };
}

/** A handler for the gRPC library; what `handle` throws becomes the engine's error message. */
function answer<Request, Response>(
  handle: (request: Request) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    void (async () => handle(call.request))().then(
      (response) => {
        callback(null, response);
      },
      (error: unknown) => {
        callback({ code: status.UNKNOWN, details: error instanceof Error ? error.message : String(error) });
      },
    );
  };
}

function renderDiff(changes: Map<string, Change>): messages.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const response = new messages.DiffResponse().setChanges(changes.size > 0 ? DIFF_SOME : DIFF_NONE).setHasdetaileddiff(true);
  for (const [path, change] of changes) {
    const kind = `${change.toUpperCase() as Uppercase<Change>}${replaces(path) ? "_REPLACE" : ""}` as const;
    response.getDetaileddiffMap().set(path, new messages.PropertyDiff().setKind(messages.PropertyDiff.Kind[kind]));
  }
  const paths = [...changes.keys()];
  return response.setDiffsList([...new Set(paths.map(headOf))]).setReplacesList([...new Set(paths.filter(replaces).map(headOf))]);
}

const refusal = (token: string): Error =>
  new Error(`${token} is beyond the stand-in for pulumi-resource-command ${version}; it needs the real plugin`);

// urn:pulumi:<stack>::<project>::<parent types>$<type>::<name>; a name may hold "::" itself.
const typeOf = (urn: string): string => (urn.split("::")[2] ?? "").split("$").at(-1) ?? "";
const nameOf = (urn: string): string => urn.split("::").slice(3).join("::");

/** Whether nothing was told yet; it will have been from now on. */
function isFirst(told: string | undefined): boolean {
  if (told === undefined || told === "") return true;
  try {
    closeSync(openSync(told, "wx"));
    return true;
  } catch (error) {
    // Where nothing can be written, the next run tells it again.
    return !(error instanceof Error && "code" in error && error.code === "EEXIST");
  }
}
