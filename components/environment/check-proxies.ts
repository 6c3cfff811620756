import { isIP } from "node:net";
import ipaddr from "ipaddr.js";
import { warning, type Issue } from "../text/issue.ts";
import type { Source } from "../text/source.ts";
import type { EnvironmentTree } from "./schema.ts";

/** Where the programs of a node ask it from, besides its own address: each may choose among all of these. */
const loopback = ["127.0.0.0/8", "::1"];

/**
 * Warns about trusted proxies that are a node itself, as far as its address is known: what a site there asks of its neighbours comes
 * from the same place.
 * @param nodes by name; an invalid one is undefined
 */
export function checkProxies(
  proxies: readonly string[],
  nodes: ReadonlyMap<string, EnvironmentTree["nodes"][string] | undefined>,
  source: Source,
): Issue[] {
  const withSites = [...nodes].filter(([, node]) => node?.roles.includes("web"));
  return proxies.flatMap((proxy, index) => {
    const told = (what: string, fix: string) => {
      const message = `trust_proxies has ${proxy}, ${what}: every site there could pass off any address and scheme as a visitor's`;
      return [warning("trusts-sites", source.placeOf(["trust_proxies", index], "value"), message, fix)];
    };
    if (loopback.some((own) => overlap(proxy, own)))
      return told("which is each node itself", "delete it: a proxy on the node itself can't be told from its sites");
    const inside = withSites.filter(([, node]) => node?.host !== undefined && overlap(proxy, node.host)).map(([name]) => name);
    const [first = "", second = ""] = inside;
    const others = inside.length === 2 ? second : `${inside.length - 1} other nodes`;
    if (inside.length === 0) return [];
    return told(
      inside.length === 1 ? `where ${first} is` : `where ${first} and ${others} are`,
      "name the proxies' own addresses",
    );
  });
}

/** Whether two have an address in common, each an address or a network; a name has none that is known. */
function overlap(one: string, other: string): boolean {
  const [left, right] = [rangeOf(one), rangeOf(other)];
  if (left === undefined || right === undefined) return false;
  return left[0].kind() === right[0].kind() && left[0].match(right[0], Math.min(left[1], right[1]));
}

function rangeOf(text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] | undefined {
  const [address = "", bits] = text.split("/");
  const family = isIP(address);
  if (family === 0) return undefined;
  return [ipaddr.parse(address), bits === undefined ? (family === 4 ? 32 : 128) : Number(bits)];
}
