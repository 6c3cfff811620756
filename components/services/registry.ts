import { z } from "zod";
import { anyText, packageName, serviceName, variableName } from "../text/node-names.ts";
import { app } from "./app.ts";
import { couchdb } from "./couchdb.ts";
import { externalSummary, externalTold, externalType } from "./external.ts";
import { files } from "./files.ts";
import { memcached } from "./memcached.ts";
import { mongodb } from "./mongodb.ts";
import { mysql } from "./mysql.ts";
import { postgis, postgres } from "./postgres.ts";
import { rabbitmq } from "./rabbitmq.ts";
import { redis } from "./redis.ts";
import { solr } from "./solr.ts";
import { writableRoot } from "./writable-root.ts";
import type { ServiceType, SetUp } from "./service.ts";

/** Every type of service, by its name in manifests. */
export const serviceTypes: Readonly<Record<string, ServiceType>> = {
  postgres,
  postgis,
  mysql,
  files,
  writable_root: writableRoot,
  redis,
  memcached,
  rabbitmq,
  couchdb,
  mongodb,
  solr,
  app,
};

/** The types by all their names, including old ones. */
const byName = new Map(
  Object.entries(serviceTypes).flatMap(([name, { oldName }]) =>
    [name, ...(oldName === undefined ? [] : [oldName])].map((known) => [known, name]),
  ),
);

/** Every name of a type, including old ones. */
export const serviceTypeNames = [...byName.keys()];

/** The current name of a type, by any of its names; undefined when there is none. */
export function serviceTypeOf(name: string): string | undefined {
  return byName.get(name);
}

/** A type by its name. */
export function serviceType(name: string): ServiceType {
  const type = serviceTypes[name];
  if (type === undefined) throw new Error(`no file of components/services is for the type ${name}`);
  return type;
}

const form = (type: string, options: z.ZodType<SetUp["options"]>) =>
  z.strictObject({
    type: z.literal(type),
    name: serviceName,
    packages: z.array(packageName),
    options,
    variables: z.record(variableName, anyText),
  });

/** The types of which a node runs a server or holds a directory, by their names. */
export const nodeTypes: Readonly<Record<string, ServiceType>> = Object.fromEntries(
  Object.entries(serviceTypes).filter(([, { elsewhere }]) => elsewhere === undefined),
);

/** What a node receives about a service that somebody else runs. */
export const externalSetUp = form(externalType, externalTold);

/** What a node receives about a service, in the form of its type. */
export const setUp = z.discriminatedUnion("type", [
  externalSetUp,
  ...Object.entries(nodeTypes).map(([name, { told }]) => form(name, told)),
]);

/** Whether a service is one that somebody else runs. */
export function isExternal(setUp: SetUp): setUp is z.infer<typeof externalSetUp> {
  return setUp.type === externalType;
}

/** Whether a service keeps data on its node, by its `summary`. What an unknown type keeps is not to be lost. */
export function keepsData(summary: string): boolean {
  const [type = "", ...shown] = summary.split(" ");
  if (type === externalType) return false;
  const keeps = serviceTypes[type]?.keepsData ?? true;
  return typeof keeps === "boolean" ? keeps : keeps(shown.join(" "));
}

/** What a service that keeps data may delete when one `summary` of it becomes another of its type; undefined: nothing. */
export function deletes(before: string, after: string): string | undefined {
  const [[type = "", ...one], [, ...other]] = [before.split(" "), after.split(" ")];
  return serviceTypes[type]?.deletes?.(one.join(" "), other.join(" "));
}

/** The services of a site that its node has. */
export function servicesOnNode(services: readonly SetUp[] = []): SetUp[] {
  return services.filter(({ type }) => type !== externalType);
}

/** The services of a site that keep data on its node. */
export function servicesWithData(services: readonly SetUp[] = []): SetUp[] {
  return services.filter((setUp) => keepsData(summary(setUp)));
}

/** One service as a reviewer reads it. */
export function summary({ type, options }: SetUp): string {
  return type === externalType ? externalSummary(options) : `${type} ${serviceType(type).shown(options)}`;
}
