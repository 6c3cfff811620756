import { z } from "zod";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import { sizeText } from "../text/size-text.ts";
import type { ServiceType } from "./service.ts";

/** A cache in memory on the site's own node. Nobody but the site reaches its socket, so it knows no passwords. */
export const memcached: ServiceType<{ bytes: number }> = {
  summary: "a memcached of the site's own, within its memory",
  options: { memory: unparsedSize("16M", "64G").describe("memory for what it caches, 64M by default") },
  keepsData: false,
  packages: ["memcached"],
  clientPackages: { php: "php-memcached" },
  told: z.strictObject({ bytes: count }),
  tell: ({ options }) => ({ bytes: parseBytes(options.memory ?? "64M") }),
  prefix: "MEMCACHED",
  variables: { SERVERS: "unix:@SOCKET@", SOCKET: "@SOCKET@", URL: "memcached://@SOCKET@" },
  writesData: false,
  memory: ({ bytes }) => bytes,
  shown: ({ bytes }) => sizeText(bytes),
  // Without TLS and passwords: the drivers that apps use know neither by the address alone.
  external: {
    schemes: ["memcached"],
    port: 11211,
    takes: [],
    needs: [],
    variables: { SERVERS: "@SERVER@", SOCKET: "", URL: "@URL@" },
  },
};
