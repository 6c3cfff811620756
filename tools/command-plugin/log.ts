/** Messages to the person at the terminal, through the engine: a plugin's own stderr is shown only with `-d`. */
import { credentials } from "@grpc/grpc-js";
import engineMessages from "@pulumi/pulumi/proto/engine_pb.js";
import engineService from "@pulumi/pulumi/proto/engine_grpc_pb.js";

type Severity = "INFO" | "WARNING" | "ERROR";

/** Messages about one resource, in the order they were given. */
export interface ResourceLog {
  /** Shown while it is the latest message, and not kept. */
  progress: (message: string) => void;
  say: (severity: Severity, message: string) => void;
  /** Resolves when the engine has all of them. */
  sent: () => Promise<void>;
}

export class EngineLog {
  readonly #client: engineService.EngineClient;

  /** `address`: host:port of the engine's gRPC server. */
  constructor(address: string) {
    this.#client = new engineService.EngineClient(address, credentials.createInsecure());
  }

  /** Empty `urn`: about the whole run. */
  about(urn: string): ResourceLog {
    let last = Promise.resolve();
    const add = (severity: Severity, message: string, ephemeral: boolean) => {
      last = last.then(() => this.#send(urn, severity, message, ephemeral));
    };
    return {
      progress: (message) => {
        add("INFO", message, true);
      },
      say: (severity, message) => {
        add(severity, message, false);
      },
      sent: () => last,
    };
  }

  close(): void {
    this.#client.close();
  }

  #send(urn: string, severity: Severity, message: string, ephemeral: boolean): Promise<void> {
    const request = new engineMessages.LogRequest()
      .setUrn(urn)
      .setSeverity(engineMessages.LogSeverity[severity])
      .setMessage(message)
      .setEphemeral(ephemeral);
    // A message that does not arrive must not fail a command that ran.
    return new Promise((resolve) => {
      this.#client.log(request, () => {
        resolve();
      });
    });
  }
}
