/**
 * The stand-in for pulumi-resource-command 1.2.1, for machines where the real plugin can't be downloaded.
 * It speaks Pulumi's provider protocol, with the same meaning for what this project uses, and refuses the rest by name.
 *
 * The engine starts it as `node main.ts <address of the engine>`, reads the port of the gRPC server from the first line
 * of stdout, and keeps its stdin open for as long as it lives.
 */
import { startServer } from "./server.ts";

const { SILVER_STAND_IN_TOLD: told } = process.env;
// Not for the commands that it runs.
delete process.env.SILVER_STAND_IN_TOLD;
const server = await startServer(process.argv[2] ?? "", told);
const stop = () => {
  void server.stop().then(() => process.exit(0));
};
process.on("SIGINT", stop).on("SIGTERM", stop);
// An engine that was killed sends no signal; its end of the pipe closes.
process.stdin.on("end", stop).resume();
process.stdout.write(`${server.port}\n`);
