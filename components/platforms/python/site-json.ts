import type { Served } from "../platform.ts";
import { runnerOf } from "../runner.ts";

/** Input for conf/wsgi.py: data beside code, so that no value is ever written into Python. */
export function renderSiteJson(site: Served): string {
  if (site.runner === undefined) throw new Error(`site ${site.name} has no runner`);
  const { file, name: object } = runnerOf(site.runner);
  // The agent replaces placeholders as text: an @ in a name must not begin one.
  const name = (text: string) => JSON.stringify(text).replaceAll("@", "\\u0040");
  return `{
  "site": ${name(site.name)},
  "release": "@RELEASE@",
  "runner": ${name(file)},
  "object": ${name(object)},
  "processes": ${site.processes.count},
  "requests": ${site.processes.requests}
}
`;
}
