import type { Result, SiteState } from "../../components/node/contract.ts";
import { ssh } from "./nodes.ts";
import type { TestNode } from "./nodes.ts";

/** What a node says of one of its sites. */
export async function siteOn(node: TestNode, site: string): Promise<SiteState> {
  const { sites } = JSON.parse(await ssh(node, "silver-agent status", JSON.stringify({ site }))) as Result<"status">;
  const [found] = sites;
  if (found === undefined) throw new Error(`the node has no site ${site}`);
  return found;
}
