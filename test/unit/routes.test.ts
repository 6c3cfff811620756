import fc from "fast-check";
import { expect, test } from "vitest";
import { compareLocations, locationText, parseLocation, type Location } from "../../components/plan/location.ts";
import { siteLabel, siteUser } from "../../components/plan/site-name.ts";
import { renderTopVcl } from "../../components/render/top-vcl.ts";

const label = fc.stringMatching(/^[a-z]([a-z0-9-]{0,3}[a-z0-9])?$/);
const host = fc.oneof(
  fc.constant("*"),
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join(".")),
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => `.${labels.join(".")}`),
);
const path = fc.array(fc.stringMatching(/^[a-z0-9._~-]{1,3}$/), { maxLength: 3 }).map((segments) => `/${segments.join("/")}`);
const location: fc.Arbitrary<Location> = fc.record({ host, path });
const siteName = fc.stringMatching(/^[a-z][a-z0-9-]{0,23}$/);

test("a location's text and its parts are one", () => {
  fc.assert(
    fc.property(location, (value) => {
      expect(parseLocation(locationText(value))).toEqual(value);
    }),
  );
});

test("locations have one order, whatever order they come in", () => {
  fc.assert(
    fc.property(
      fc
        .uniqueArray(location, { selector: locationText, maxLength: 12 })
        .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
      ([list, shuffled]) => {
        expect([...shuffled].sort(compareLocations)).toEqual([...list].sort(compareLocations));
      },
    ),
  );
});

test("exact hosts stand before suffixes, long suffixes before short ones, every host last, and long paths before short ones", () => {
  const texts = ["*", "*/x", ".acme.net", ".a.acme.net", "acme.net", "acme.net/blog", "acme.net/blog/old", "a.acme.net"];
  const sorted = texts.map(parseLocation).sort(compareLocations).map(locationText);
  expect(sorted).toEqual([
    "a.acme.net",
    "acme.net/blog/old",
    "acme.net/blog",
    "acme.net",
    ".a.acme.net",
    ".acme.net",
    "*/x",
    "*",
  ]);
});

/** What the top VCL does, read from its own text: the first line whose conditions are met. */
function routed(vcl: string, askedHost: string, url: string): string | undefined {
  const name = askedHost
    .toLowerCase()
    .replace(/:[0-9]*$/, "")
    .replace(/[.]$/, "");
  const asked = { "req.http.X-Silver-Host": name, "req.url": url };
  for (const line of vcl.split("\n")) {
    const handOver = /return \(vcl\((\w+)\)\);/.exec(line)?.[1];
    if (handOver === undefined) continue;
    const conditions = [...line.matchAll(/(req\.http\.X-Silver-Host|req\.url) (==|~) "([^"]*)"/g)];
    const met = conditions.every(([, field, operator, value = ""]) => {
      const found = asked[field as keyof typeof asked];
      return operator === "==" ? found === value : new RegExp(value).test(found);
    });
    if (met) return handOver;
  }
  return undefined;
}

test("the top VCL hands a request to the most specific location that holds it", () => {
  const routes = ["*=home", "acme.net=acme", "acme.net/blog=blog", ".acme.net=any", ".acme.net/blog=anyblog", "*/shared=shared"]
    .map((text) => text.split("=") as [string, string])
    .map(([text, site]) => ({ site, ...parseLocation(text) }))
    .sort(compareLocations);
  const vcl = renderTopVcl({ routes });
  const expected: [string, string, string][] = [
    ["acme.net", "/", "acme"],
    ["ACME.net:80", "/blog", "blog"],
    ["acme.net.", "/blog/", "blog"],
    ["acme.net", "/blog?x=/", "blog"],
    ["acme.net", "/blogger", "acme"],
    ["acme.net", "/Blog", "acme"],
    ["acme.net", "/x?/blog", "acme"],
    ["www.acme.net", "/", "any"],
    ["a.b.acme.net", "/blog/x", "anyblog"],
    ["myacme.net", "/", "home"],
    ["acmeXnet", "/", "home"],
    ["10.0.0.1", "/shared", "shared"],
    ["10.0.0.1:8080", "/sharedx", "home"],
    ["", "/", "home"],
  ];
  for (const [askedHost, url, site] of expected)
    expect([askedHost, url, routed(vcl, askedHost, url)]).toEqual([askedHost, url, siteLabel(site)]);
  expect(routed(renderTopVcl({ routes: [{ site: "blog", host: "acme.net", path: "/blog" }] }), "acme.net", "/")).toBeUndefined();
});

test("whatever the routes: a request below a location reaches a site there is, and a route of its own host first", () => {
  fc.assert(
    fc.property(fc.uniqueArray(location, { selector: locationText, minLength: 1, maxLength: 8 }), (list) => {
      const routes = list.map((value, index) => ({ site: `s${index}`, ...value })).sort(compareLocations);
      const vcl = renderTopVcl({ routes });
      for (const route of routes) {
        if (route.host === "*" || route.host.startsWith(".")) continue;
        expect(routed(vcl, route.host, route.path)).toBe(siteLabel(route.site));
        expect(routed(vcl, route.host, `${route.path === "/" ? "" : route.path}/below`)).toBeDefined();
      }
    }),
  );
});

test("names of sites stay apart as users and labels, and are valid as both", () => {
  fc.assert(
    fc.property(siteName, siteName, (one, other) => {
      expect(siteUser(one)).toMatch(/^[a-z][a-z0-9-]{0,31}$/);
      expect(siteLabel(one)).toMatch(/^[A-Za-z][A-Za-z0-9_]{0,62}$/);
      expect(siteLabel(one) === siteLabel(other)).toBe(one === other);
      expect(siteUser(one) === siteUser(other)).toBe(one === other);
    }),
  );
});
