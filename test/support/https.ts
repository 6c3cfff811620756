/** Visitors who come by https, and trust the authority of a checkout. */
import { Agent, request } from "node:https";
import { connect as connectHttp2 } from "node:http2";
import { connect } from "node:tls";
import type { PeerCertificate } from "node:tls";
import type { Answer } from "./nodes.ts";

/** Where a visitor comes, by which name, and whom it trusts. */
export interface Place {
  address: string;
  host: string;
  /** Certificate of an authority. */
  ca: string;
}

/** GET over HTTP/1.1, or POST where there is a body. Fails where the certificate is not right. Default: a connection of its own. */
export function https(
  { address, host, ca }: Place,
  path = "/",
  headers: Record<string, string> = {},
  agent?: Agent,
  body?: Buffer,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const own = { ca, servername: isAddress(host) ? "" : host, headers: { Host: host, ...headers }, agent: agent ?? false };
    const method = body === undefined ? "GET" : "POST";
    const sent = request({ host: address, path, method, timeout: 30_000, ...own }, (response) => {
      let answer = "";
      response.setEncoding("utf8").on("data", (text: string) => (answer += text));
      response.on("error", reject).on("end", () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer });
      });
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer from ${address} in 30 s`)));
    sent.on("error", reject);
    sent.end(body);
  });
}

/** Milliseconds of the epoch at which each part of an answer came. */
export function drops({ address, host, ca }: Place, path: string): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const moments: number[] = [];
    const own = { ca, servername: host, headers: { Host: host }, agent: false };
    const sent = request({ host: address, path, ...own }, (response) => {
      response.on("data", () => moments.push(Date.now()));
      response.on("error", reject).on("end", () => {
        resolve(moments);
      });
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** The certificate that a visitor gets who asks for this name; fails where it is not signed by the authority, or is for other names. */
export function certificateFor({ address, host, ca }: Place): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port: 443, ca, ...(isAddress(host) ? {} : { servername: host }) }, () => {
      resolve(socket.getPeerCertificate());
      socket.end();
    });
    socket.on("error", reject);
  });
}

/** The same over HTTP/2: status, and body. */
export function http2({ address, host, ca }: Place, path = "/"): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const session = connectHttp2(`https://${host}`, { host: address, port: 443, ca, servername: host });
    session.on("error", reject);
    const stream = session.request({ ":path": path });
    let status = 0;
    let body = "";
    stream.on("response", (headers) => (status = headers[":status"] ?? 0));
    stream.setEncoding("utf8").on("data", (text: string) => (body += text));
    stream.on("end", () => {
      session.close();
      resolve({ status, body });
    });
    stream.end();
  });
}

const isAddress = (host: string): boolean => /^[0-9.]+$/.test(host);
