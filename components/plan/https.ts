import type { Https } from "../environment/environment.ts";

/** How a node speaks https, as a reviewer reads it. */
export function httpsText({ authority, redirect, hstsSeconds }: Https): string {
  const told = hstsSeconds === undefined ? "" : `, HSTS max-age=${hstsSeconds}`;
  return `authority ${authority}${redirect ? "" : ", http as well"}${told}`;
}
