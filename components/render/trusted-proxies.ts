import { vclString } from "../text/literals.ts";

/** Seconds that a connection of a visitor may be idle: longer than a balancer keeps one, mostly 60 s. */
export const idleSeconds = 75;

/**
 * Name of the socket by which requests come that were made over https. Unlike a header, no visitor can send it, and it is the same in
 * the top VCL and in a site's.
 */
export const tlsSocketName = "tls";

/** The same for a trusted proxy, and how the top VCL tells a site's VCL who asks: see `proxyLines`. */
const proxyIdleSeconds = 600;

/** So many proxies may stand one behind the other. */
const hopsMax = 4;

/** VCL outside all subroutines: the list of `trust_proxies`. */
export function trustedProxies(addresses: readonly string[]): string {
  if (addresses.length === 0) return "";
  const entries = addresses.map((text) => {
    const [address = "", bits] = text.split("/");
    return `  ${vclString(address)}${bits === undefined ? "" : `/${bits}`};\n`;
  });
  return `\nacl trusted_proxies {\n${entries.join("")}}\n`;
}

/** Takes the last address off the list in X-Silver-Client; leaves a single one. */
const strip = 'set req.http.X-Silver-Client = regsub(req.http.X-Silver-Client, "^(.*),[^,]*$", "\\1");';

/** The last address of that list, as an IP; some proxies write the port behind it. */
const lastAddress = (otherwise: string): string =>
  `std.ip(regsub(regsub(req.http.X-Silver-Client, "^.*,", ""), "^ *(?:\\[([^]]*)\\].*|([0-9.]+):[0-9]+|([^ ]*)) *$", "\\1\\2\\3"), ${otherwise}, resolve=false)`;

/**
 * Lines of the top VCL that say how many of the last addresses of X-Forwarded-For are trusted proxies. Varnish has added the
 * connection's own as the last one. What a VCL changes in a request is undone when it hands it over, but what it says of the
 * connection stays: so the number is told by the seconds that the connection may be idle, 601 for one proxy, 602 for two. So no
 * release has the list, and a change of it makes no new ones.
 */
export function proxyLines(addresses: readonly string[]): string[] {
  const visitor = `set sess.timeout_idle = ${idleSeconds}s;`;
  if (addresses.length === 0) return [visitor];
  const trusted = (hops: number): string[] => {
    const told = `set sess.timeout_idle = ${proxyIdleSeconds + hops}s;`;
    if (hops === hopsMax) return [told];
    const condition = `if (${lastAddress('"0.0.0.0"')} ~ trusted_proxies) {`;
    return [told, strip, condition, ...trusted(hops + 1).map((line) => `  ${line}`), "}"];
  };
  return [
    visitor,
    "if (client.ip ~ trusted_proxies) {",
    "  # How many of the last addresses are proxies: the one thing that survives the hand-over.",
    "  set req.http.X-Silver-Client = req.http.X-Forwarded-For;",
    ...trusted(1).map((line) => `  ${line}`),
    "}",
  ];
}

/**
 * Lines of a site's VCL that tell Apache and the app who asked, and how: X-Silver-Client, the last address that is not a trusted
 * proxy, for Apache alone; X-Forwarded-For and X-Forwarded-Proto, believed from trusted proxies and overwritten from all others. The
 * check of a release, which the VCL's list `node` and its port tell, says its scheme itself.
 * @param isHttps whether visitors may come over https without a proxy
 */
export function clientLines(isHttps: boolean): string[] {
  const further = Array.from({ length: hopsMax - 1 }, (_, index) => [
    `  if (sess.timeout_idle > ${proxyIdleSeconds + index + 1}.5s) {`,
    `    ${strip}`,
    "  }",
  ]);
  return [
    `if (sess.timeout_idle > ${proxyIdleSeconds}s) {`,
    "  # From a trusted proxy, one of so many: the top VCL says so.",
    "  set req.http.X-Silver-Client = req.http.X-Forwarded-For;",
    `  ${strip}`,
    ...further.flat(),
    `  set req.http.X-Silver-Client = ${lastAddress("client.ip")};`,
    '  set req.http.X-Forwarded-Proto = regsub(req.http.X-Forwarded-Proto, "(?i)^ *https *$", "https");',
    '  if (req.http.X-Forwarded-Proto != "https") {',
    '    set req.http.X-Forwarded-Proto = "http";',
    "  }",
    "} else {",
    "  set req.http.X-Silver-Client = client.ip;",
    "  set req.http.X-Forwarded-For = client.ip;",
    ...(isHttps ? [`  if (local.socket == "${tlsSocketName}") {`, '    set req.http.X-Forwarded-Proto = "https";'] : []),
    `  ${isHttps ? "} else if" : "if"} (!req.http.X-Forwarded-Proto || client.ip !~ node || std.port(client.ip) >= 1024) {`,
    '    set req.http.X-Forwarded-Proto = "http";',
    "  }",
    "}",
  ];
}
