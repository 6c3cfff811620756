import { quote } from "./quote.ts";

/** Whether a value is a map, as both readers create them. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What a map has of its own by a name that a person chose, which may be `constructor`. */
export function ownOf<T>(map: Readonly<Record<string, T>> | undefined, name: string): T | undefined {
  return map !== undefined && Object.hasOwn(map, name) ? map[name] : undefined;
}

/** A value for a message: short, on one line. */
export function show(value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? "a list" : "an empty list";
  if (isMap(value)) return Object.keys(value).length > 0 ? "a map" : "an empty map";
  if (typeof value !== "string") return String(value);
  return quote(value);
}
