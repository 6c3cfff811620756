import { z } from "zod";
import { choice, unparsedToggle } from "../text/schema/fields.ts";
import { parseBytes, unparsedSize } from "../text/schema/quantities.ts";
import { count } from "../text/node-names.ts";
import { sizeText } from "../text/size-text.ts";
import type { ServiceType } from "./service.ts";

/** What Redis does when its memory is full, in its own words. */
const policies = [
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
  "noeviction",
] as const;
type Policy = (typeof policies)[number];

/** Room on disk for what is in memory: its file and the commands since, the file that replaces both, and as much to spare. */
const diskBytes = (memory: number): number => 4 * memory + 64 * 1024 ** 2;

/** Redis on the site's own node: a cache, or data that outlives restarts. Nobody but the site reaches its socket, so it knows no passwords. */
export const redis: ServiceType<{ bytes: number; policy: Policy; disk: number }> = {
  summary: "a Redis of the site's own, within its memory",
  options: {
    memory: unparsedSize("16M", "64G").describe("memory for what it holds, 64M by default"),
    policy: choice(policies).describe("what it does when its memory is full, allkeys-lru by default, with persist noeviction"),
    persist: unparsedToggle().describe("whether it keeps what it holds on disk, too, false by default"),
  },
  keepsData: (shown) => shown.endsWith(" on disk"),
  deletes: (before, after) => {
    const [[was = "", formerly], [is = "", policy = ""]] = [before.split(" "), after.split(" ")];
    if (policy === "noeviction") return undefined;
    if (parseBytes(is) < parseBytes(was)) return `what does not fit into ${is}`;
    return formerly === "noeviction" ? `${policy} does once its memory is full` : undefined;
  },
  packages: ["redis-server"],
  clientPackages: { php: "php-redis" },
  told: z.strictObject({
    bytes: count,
    policy: z.enum(policies),
    /** Size of the file system for its data; 0: it keeps none. */
    disk: count,
  }),
  tell: ({ options: { memory = "64M", policy, persist } }) => {
    const bytes = parseBytes(memory);
    const keeps = persist === "true";
    return {
      bytes,
      policy: (policy ?? (keeps ? "noeviction" : "allkeys-lru")) as Policy,
      disk: keeps ? diskBytes(bytes) : 0,
    };
  },
  prefix: "REDIS",
  variables: { URL: "unix://@SOCKET@", HOST: "@SOCKET@", PORT: "0", SOCKET: "@SOCKET@" },
  writesData: false,
  disk: ({ disk }) => disk,
  memory: ({ bytes }) => bytes,
  shown: ({ bytes, policy, disk }) => `${sizeText(bytes)} ${policy}${disk > 0 ? " on disk" : ""}`,
  external: {
    schemes: ["redis"],
    tlsScheme: "rediss",
    port: 6379,
    takes: ["name", "user", "password", "tls"],
    needs: [],
    nameForm: { pattern: /^[0-9]{1,4}$/, must: "the number of a database" },
    tlsQuery: "ssl_cert_reqs=required&ssl_check_hostname=true&ssl_ca_certs=@CA@",
    variables: {
      URL: "@URL@",
      HOST: "@HOST@",
      PORT: "@PORT@",
      SOCKET: "",
      USER: "@USER@",
      PASSWORD: "@PASSWORD@",
      CA: "@CA@",
    },
  },
};
