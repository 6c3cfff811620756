import { z } from "zod";
import { notYet } from "./not-yet.ts";

/** A strict object of those keys of `shape` that are built; `prefix` is the path before them, with a dot. */
export function built<T extends z.ZodRawShape>(prefix: string, shape: T): z.ZodObject<T, z.core.$strict> {
  const keys = Object.keys(shape).filter((key) => notYet(prefix + key) === undefined);
  return z.strictObject(Object.fromEntries(keys.map((key) => [key, shape[key]])) as unknown as T);
}

/** The words of a closed list that are built; `key` is the path of the field. */
export function builtWords<const T extends readonly [string, ...string[]]>(key: string, words: T): T {
  return words.filter((word) => notYet(`${key}=${word}`) === undefined) as unknown as T;
}
