import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A web server on loopback, in place of one on the internet. */
export interface LoopbackServer {
  /** `http://127.0.0.1:<port>` */
  url: string;
  /** What was asked for, in order. */
  paths: string[];
}

/** Starts one, which ends with the test. */
export async function serveOnLoopback(listener: RequestListener): Promise<LoopbackServer> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? "");
    listener(request, response);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, paths };
}
