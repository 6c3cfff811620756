import { z } from "zod";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import { sizeText } from "../text/size-text.ts";
import type { ServiceType } from "./service.ts";
import { sessionsFor } from "./sessions.ts";

/** What it takes while it holds nothing, and had its hands full before. */
const ownMemory = 160 * 1024 ** 2;

/** RabbitMQ on the site's own node. Its clients know no sockets: they come by an address, a user and a password that the node makes. */
export const rabbitmq: ServiceType<{ bytes: number; memory: number; connections: number }> = {
  summary: "a RabbitMQ of the site's own, within its memory and a quota",
  options: {
    memory: unparsedSize("16M", "64G").describe("memory for what it holds, above which it takes no messages, 64M by default"),
    quota: unparsedSize("16M", "1T").describe("size on disk above which it takes no messages, 1G by default"),
  },
  keepsData: true,
  packages: ["rabbitmq-server"],
  clientPackages: { php: "php-amqp" },
  told: z.strictObject({
    /** Quota: above it, nothing can be published. */
    bytes: count,
    /** For itself and what it holds: above it, neither. */
    memory: count,
    /** Connections the site may have at once. */
    connections: count,
  }),
  tell: ({ options, ...use }) => ({
    bytes: parseBytes(options.quota ?? "1G"),
    memory: ownMemory + parseBytes(options.memory ?? "64M"),
    connections: sessionsFor(use),
  }),
  prefix: "RABBITMQ",
  variables: {
    URL: "amqp://@USER@:@PASSWORD@@@ADDRESS@:@PORT@/@VHOST@",
    VHOST: "@VHOST@",
    USER: "@USER@",
    PASSWORD: "@PASSWORD@",
    HOST: "@ADDRESS@",
    PORT: "@PORT@",
  },
  writesData: false,
  disk: ({ bytes }) => bytes,
  memory: ({ memory }) => memory,
  shown: ({ bytes, memory }) => `${sizeText(bytes)} in ${sizeText(memory - ownMemory)} of memory`,
  // Drivers name what checks a certificate each in its own way, and some refuse a URL with another's words.
  external: {
    schemes: ["amqp"],
    tlsScheme: "amqps",
    port: 5672,
    tlsPort: 5671,
    takes: ["name", "user", "password", "tls"],
    needs: ["user"],
    defaultName: "/",
    variables: {
      URL: "@URL@",
      VHOST: "@NAME@",
      USER: "@USER@",
      PASSWORD: "@PASSWORD@",
      HOST: "@HOST@",
      PORT: "@PORT@",
      CA: "@CA@",
    },
  },
};
