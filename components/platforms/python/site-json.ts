import type { Served } from "../platform.ts";

/** Input for conf/wsgi.py: data beside code, so that no value is ever written into Python. */
export function renderSiteJson(site: Served): string {
  if (site.runner === undefined) throw new Error(`site ${site.name} has no runner`);
  const [runner, object] = site.runner.split("#");
  // The agent replaces placeholders as text: an @ in a name must not begin one.
  const name = (text: string) => JSON.stringify(text).replaceAll("@", "\\u0040");
  return `{
  "site": ${name(site.name)},
  "release": "@RELEASE@",
  "runner": ${name(runner ?? "")},
  "object": ${name(object ?? "application")}
}
`;
}
