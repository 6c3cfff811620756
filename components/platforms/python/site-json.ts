import type { Served } from "../platform.ts";

/** What conf/wsgi.py must know: data beside code, so that no value is ever written into Python. */
export function renderSiteJson(site: Served): string {
  if (site.runner === undefined) throw new Error(`site ${site.name} has no runner`);
  const [runner, object] = site.runner.split("#");
  // The agent fills placeholders in by text: an @ of a name must not begin one.
  const name = (text: string) => JSON.stringify(text).replaceAll("@", "\\u0040");
  return `{
  "site": ${name(site.name)},
  "release": "@RELEASE@",
  "runner": ${name(runner ?? "")},
  "object": ${name(object ?? "application")}
}
`;
}
