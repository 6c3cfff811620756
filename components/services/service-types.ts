import type { z } from "zod";
import { unparsedSize } from "../text/schema/quantities.ts";

/** What a manifest can say of one type of service. How it is set up stands in components/services/. */
export interface ServiceType {
  /** What it is, in a few words, for the reference. */
  summary: string;
  /** Options → field, described as the end of a sentence. Their values stay texts; the service itself parses them. */
  options: Record<string, z.ZodType<string>>;
  /** Whether it keeps data that a migration can change. */
  keepsData: boolean;
}

const quota = unparsedSize("16M", "1T");

/** Every type of service, by the name that the manifest gives it. */
export const serviceTypes = {
  postgres: {
    summary: "a PostgreSQL database of the site's own, within a quota",
    options: { quota: quota.describe("size above which the database can only be read, 2G by default") },
    keepsData: true,
  },
  files: {
    summary: "a directory for uploaded files, within a quota",
    options: { quota: quota.describe("largest size of all files together, 1G by default") },
    keepsData: true,
  },
} as const satisfies Record<string, ServiceType>;

export type ServiceTypeName = keyof typeof serviceTypes;

/** Names of types in Silver Lining, where they differ. */
const oldTypeNames = { postgresql: "postgres" } as const satisfies Record<string, ServiceTypeName>;

/** The types by all their names. */
const byName = new Map<string, ServiceTypeName>([
  ...Object.keys(serviceTypes).map((name) => [name, name as ServiceTypeName] as const),
  ...Object.entries(oldTypeNames),
]);

/** Every name of a type, old ones too. */
export const serviceTypeNames = [...byName.keys()];

/** The type of a name, also of an old one; undefined when there is none. */
export function serviceTypeOf(name: string): ServiceTypeName | undefined {
  return byName.get(name);
}
