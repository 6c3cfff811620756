import { hash } from "node:crypto";
import { z } from "zod";
import { anyText, count } from "../text/node-names.ts";
import { variablePart } from "../text/schema/names.ts";
import type { External, ServiceType, SetUp } from "./service.ts";

/** An external service as its environment says: secrets by their names and versions. */
export interface ExternalPlace {
  /** All of it in one secret. */
  url?: SecretOf;
  host?: string;
  port?: number;
  name?: string;
  user?: string;
  password?: SecretOf;
  /** Absent: the URL decides, and else there is none. */
  tls?: true | { ca: string };
  /** What its server must say of its version: `16` is each of 16. */
  version?: string;
}

/** A version of a secret. */
interface SecretOf {
  secret: number;
}

/** In place of the type, of a service that a node only finds. No type has this name. */
export const externalType = "external";

/** What a node receives about an external service. */
export const externalTold = z.strictObject({
  /** Its type. */
  of: anyText,
  /** Those of URLs, with blanks between; and that with TLS, or nothing. */
  schemes: anyText,
  tlsScheme: anyText,
  port: count,
  tlsPort: count,
  prefix: anyText,
  tlsQuery: anyText,
  /** What the query of a URL has besides; absent: nothing. */
  query: anyText.exactOptional(),
  /** Empty where all is in the URL. */
  host: anyText,
  name: anyText,
  user: anyText,
  /** 1: TLS, whose certificate is checked. */
  tls: count,
  /** Certificates of its own authority; empty: one that the node knows. */
  ca: anyText,
  /** Empty: any. */
  version: anyText,
  /** Name of its secret; empty: it has none. */
  secret: anyText,
  secretVersion: count,
  /** 1: the secret is the whole URL; 0: the password. */
  isUrl: count,
});
type ExternalTold = z.infer<typeof externalTold>;

/** What a node needs in order to find a service that somebody else runs. */
export function tellExternal(service: string, type: string, external: External, place: ExternalPlace): ExternalTold {
  const { schemes, tlsScheme = "", prefix = "/", tlsQuery = "", query } = external;
  const secret = place.url ?? place.password;
  return {
    of: type,
    schemes: schemes.join(" "),
    tlsScheme,
    port: place.port ?? external.port,
    tlsPort: place.port ?? external.tlsPort ?? external.port,
    prefix,
    tlsQuery,
    ...(query === undefined ? {} : { query }),
    host: place.host ?? "",
    name: place.name ?? external.defaultName ?? "",
    user: place.user ?? "",
    tls: place.tls === undefined ? 0 : 1,
    ca: typeof place.tls === "object" ? place.tls.ca : "",
    version: place.version ?? "",
    secret: secret === undefined ? "" : externalSecret(service, place),
    secretVersion: secret?.secret ?? 0,
    isUrl: place.url === undefined ? 0 : 1,
  };
}

/** Name of a service's secret: that of the variable in which the app finds it. */
export function externalSecret(service: string, { url }: ExternalPlace): string {
  return `CONFIG_${variablePart(service)}_${url === undefined ? "PASSWORD" : "URL"}`;
}

/** Name → version of the secrets of a site's external services. */
export function externalSecrets(services: readonly Pick<SetUp, "type" | "options">[] = []): Record<string, number> {
  const own = services.filter(({ type }) => type === externalType).map(({ options }) => externalTold.parse(options));
  return Object.fromEntries(own.flatMap(({ secret, secretVersion }) => (secret === "" ? [] : [[secret, secretVersion]])));
}

/** `db.acme.net:5432/blog`; undefined where only a secret says it. */
function placeText({ isUrl, host, port, tls, tlsPort, name }: ExternalTold): string | undefined {
  if (isUrl === 1) return undefined;
  const at = host.includes(":") ? `[${host}]` : host;
  return `${at}:${tls === 1 ? tlsPort : port}${name === "" ? "" : `/${name}`}`;
}

/** An external service as a reviewer reads it: `external postgres db.acme.net:5432/blog, user app, TLS, CONFIG_DB_PASSWORD version 3`. */
export function externalSummary(options: SetUp["options"]): string {
  const told = externalTold.parse(options);
  const { of, user, tls, ca, version, secret, secretVersion } = told;
  const parts = [
    `${externalType} ${of}${told.isUrl === 1 ? "" : ` ${placeText(told) ?? ""}`}`,
    ...(user === "" ? [] : [`user ${user}`]),
    ...(tls === 0 ? [] : [ca === "" ? "TLS" : `TLS by the authority sha256:${hash("sha256", ca)}`]),
    ...(version === "" ? [] : [`${of} ${version}`]),
    ...(secret === "" ? [] : [`${secret} version ${secretVersion}`]),
  ];
  return parts.join(", ");
}

/** Type and place of an external service, by its summary; no place where only a secret says it, undefined for a service of the node. */
export function parseExternalSummary(summary: string): { type: string; place?: string } | undefined {
  const [, type, place] = /^external ([a-z_]+)(?: ([^ ,]+))?(?:,|$)/.exec(summary) ?? [];
  return type === undefined ? undefined : { type, ...(place === undefined ? {} : { place }) };
}

/** A type that nobody runs on a node of ours: no distribution has its server. */
export function onlyExternal(type: Pick<ServiceType, "summary" | "oldName" | "prefix"> & { external: External }): ServiceType {
  return {
    ...type,
    options: {},
    keepsData: true,
    packages: [],
    told: z.strictObject({}),
    tell: () => ({}),
    variables: {},
    writesData: false,
    shown: () => "",
    elsewhere: "external",
  };
}
