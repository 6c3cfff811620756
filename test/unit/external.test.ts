// Services that somebody else runs: their places in an environment, what a node receives, what a reviewer sees and loses.
import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decide } from "../../cli/comment.ts";
import { planChanges, type Rendered } from "../../components/plan/changes.ts";
import { standingOf, standingOfCommands } from "../../components/plan/losses.ts";
import { allSecrets } from "../../components/plan/secret-key.ts";
import { renderRelease } from "../../components/render/release.ts";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { parseRequest, planRollout, requestRollout } from "../../components/rollout/rollout.ts";
import { serviceTypes, setUp, summary } from "../../components/services/registry.ts";
import { planOf, plannedSite } from "../support/plan-of.ts";

const nodes = "nodes:\n  web1: {local: true, os: debian-12}\n  web2: {local: true, os: debian-13}\n";

/** A site whose app asks for `db`. */
const withPlace = (type: string, place: string, { on = "web1", services = `{db: {type: ${type}}}`, more = "" } = {}) =>
  planOf({
    "dev.yaml": `${more}${nodes}sites:\n  blog: {app: apps/blog, locations: ["*"], nodes: [${on}], services: {${place === "" ? "" : `db: ${place}`}}}\n`,
    "apps/blog/app.yaml": `name: blog\nversion: 1.5.0\nrunner: src/wsgi.py\nservices: ${services}\n`,
  });

const external = Object.entries(serviceTypes).flatMap(([type, { external: how, ...rest }]) =>
  how === undefined ? [] : [{ type, how, ...rest }],
);

/** A whole place of a type. */
const placeOf = ({ takes }: (typeof external)[number]["how"]) =>
  `{external: {${["host: db.acme.net", ...takes.map((key) => ({ name: 'name: "1"', user: "user: app", password: "password: {secret: 3}", tls: "tls: true" })[key])].join(", ")}}}`;

describe.each(external)("$type, external,", ({ type, how, variables, elsewhere }) => {
  test("has each name of the type's own, and a probe on the node", () => {
    expect(Object.keys(how.variables)).toEqual(expect.arrayContaining(Object.keys(variables)));
    expect(Object.keys(how.variables)).toContain("URL");
    const probes = readdirSync(new URL("../../components/node/agent/silver/probe/", import.meta.url));
    expect(probes).toContain(`${type}.py`);
  });

  test("is planned with all that its type takes, and told in a form that the node reads", () => {
    const { value, issues } = withPlace(type, placeOf(how));
    expect(issues).toEqual([]);
    const [service] = value?.sites[0]?.services ?? [];
    expect(service).toMatchObject({ type: "external", name: "db", packages: [], options: { of: type, host: "db.acme.net" } });
    expect(setUp.parse(service)).toEqual(service);
    expect(JSON.stringify(service)).not.toContain("undefined");
    expect(Object.keys(service?.variables ?? {}).filter((name) => name.startsWith("CONFIG_DB"))).toHaveLength(
      Object.keys(how.variables).length,
    );
  });

  test("may be a URL, which a reviewer sees by its version", () => {
    const tls = how.takes.includes("tls") ? ", tls: true" : "";
    const { value, issues } = withPlace(type, `{external: {url: {secret: 2}${tls}}}`);
    expect(issues).toEqual([]);
    const [service] = value?.sites[0]?.services ?? [];
    expect(service === undefined ? "" : summary(service)).toBe(
      `external ${type}${tls === "" ? "" : ", TLS"}, CONFIG_DB_URL version 2`,
    );
  });

  test("is asked of the environment where no node runs it", () => {
    const codes = withPlace(type, "").issues.map(({ code }) => code);
    expect(codes).toEqual(elsewhere === "external" ? ["external-service"] : []);
  });
});

test("what a reviewer sees is the place, and never a value", () => {
  const place =
    "{external: {host: db.acme.net, port: 5433, name: blog, user: app, password: {secret: 3}, tls: true, version: 16}}";
  const site = withPlace("postgres", place).value?.sites[0];
  expect(site?.services?.map(summary)).toEqual([
    "external postgres db.acme.net:5433/blog, user app, TLS, postgres 16, CONFIG_DB_PASSWORD version 3",
  ]);
  expect(site === undefined ? {} : allSecrets(site)).toEqual({ CONFIG_DB_PASSWORD: 3 });
  const bare = withPlace("redis", '{external: {host: "fd00::9"}}').value?.sites[0];
  expect(bare?.services?.map(summary)).toEqual(["external redis [fd00::9]:6379"]);
  const queue = withPlace("rabbitmq", "{external: {host: mq.acme.net, user: app, tls: true}}").value?.sites[0];
  expect(queue?.services?.map(summary)).toEqual(["external rabbitmq mq.acme.net:5671//, user app, TLS"]);
  expect(queue?.services?.[0]?.options).toMatchObject({ name: "/", schemes: "amqp", tlsScheme: "amqps" });
  expect(site?.services?.[0]?.variables).toMatchObject({ PGSSLMODE: "verify-full", PGSSLROOTCERT: "@CA@" });
});

test("whatever leads elsewhere is another text, the authority that its server must be of, too", () => {
  const ca = (letters: string) => `{ca: "-----BEGIN CERTIFICATE-----\\n${letters}\\n-----END CERTIFICATE-----\\n"}`;
  const one = { host: "a.net", port: "1", name: "b", user: "c", password: "{secret: 1}", tls: ca("AAAA"), version: "16" };
  const others = {
    ...one,
    host: "z.net",
    port: "2",
    name: "y",
    user: "x",
    password: "{secret: 2}",
    tls: ca("AAAB"),
    version: "17",
  };
  const shown = (place: Record<string, string>) => {
    const text = Object.entries(place).map(([key, value]) => `${key}: ${value}`);
    const { value, issues } = withPlace("postgres", `{external: {${text.join(", ")}}}`);
    expect(issues).toEqual([]);
    return value?.sites[0]?.services?.map(summary)[0] ?? "";
  };
  const keys = Object.keys(one) as (keyof typeof one)[];
  const without = (key: string) => Object.fromEntries(Object.entries(one).filter(([name]) => name !== key));
  const optional = keys.filter((key) => !["host", "name", "user"].includes(key));
  const all = [one, { ...one, tls: "true" }, ...keys.map((key) => ({ ...one, [key]: others[key] })), ...optional.map(without)];
  expect(new Set(all.map(shown)).size).toBe(all.length);
});

test("another place, or another version of a secret, is a new release: a process knows what it began with", () => {
  const of = (place: string) => {
    const site = withPlace("postgres", place).value?.sites[0];
    return site === undefined ? "" : renderRelease(site).id;
  };
  const one = "{external: {host: a.acme.net, name: b, user: c, password: {secret: 1}}}";
  const ids = [one, one.replace("a.acme", "z.acme"), one.replace("secret: 1", "secret: 2"), ""].map(of);
  expect(new Set(ids).size).toBe(4);
  expect(of(one)).toBe(ids[0]);
  const site = withPlace("postgres", one).value?.sites[0];
  const release = site === undefined ? undefined : renderRelease(site);
  expect(JSON.stringify(release)).not.toContain("a.acme.net");
  expect(release?.secrets).toEqual({});
});

test("a rollout carries its secrets beside those of the app, each to whom it concerns", () => {
  const site = plannedSite(
    "services: {db: {type: postgres}}\nconfig: {required: {KEY: for a test}}\n",
    'locations: ["*"], config: {KEY: {secret: 1}}, services: {db: {external: {url: {secret: 2}}}}',
  );
  const node = { name: "web1", address: "10.0.0.1", port: 22, user: "root", hostKey: "ssh-ed25519 AAAA" };
  const secrets = { KEY: "k", CONFIG_DB_URL: "u" };
  const request = requestRollout({ user: "root" }, site, renderRelease(site).id, [node], secrets);
  const rollout = planRollout(parseRequest(canonicalJson(request)));
  expect(rollout.secrets).toEqual(secrets);
  expect(rollout.release.secrets).toEqual({ KEY: 1 });
  expect(allSecrets(site)).toEqual({ KEY: 1, CONFIG_DB_URL: 2 });
});

test("it is no memory of a node, needs no package of a server there, and no node of the site's alone", () => {
  const both = "{external: {host: c.acme.net}}";
  const { value, issues } = withPlace("redis", both, { on: "web1, web2", services: "{db: {type: redis, memory: 64G}}" });
  expect(issues).toEqual([]);
  expect(value?.sites[0]?.services?.[0]?.packages).toEqual([]);
});

describe("refused", () => {
  const messages = (type: string, place: string, more = {}) =>
    withPlace(type, place, more).issues.map(({ code, message }) => `${code}: ${message}`);
  const of = "external-service: service db of site blog";

  test.each([
    ["files", "{external: {host: nas.acme.net}}", "is of the type files, which can't be external"],
    ["writable_root", "{external: {url: {secret: 1}}}", "is of the type writable_root, which can't be external"],
    ["postgres", "{external: {host: a.b, name: c}}", "has an external place without user"],
    ["postgres", "{external: {}}", "has an external place without host, name, user"],
    ["postgres", "{external: {url: {secret: 1}, user: a}}", "has a url and user beside it"],
    ["memcached", "{external: {host: a.b, tls: true}}", "has the key tls, which the type memcached does not take"],
    [
      "memcached",
      "{external: {host: a.b, password: {secret: 1}}}",
      "has the key password, which the type memcached does not take",
    ],
    ["redis", "{external: {host: a.b, name: blog}}", "has the name blog: it must be the number of a database"],
    ["solr", "web1", "is of the type solr, which no node runs, and the site does not say where it is"],
  ])("%s at %s", (type, place, message) => {
    expect(messages(type, place)).toEqual([`${of} ${message}`]);
  });

  test("a service that the app does not ask for", () => {
    expect(messages("redis", "{external: {host: a.b}}", { services: "{}" })).toEqual([
      "unknown-service: site blog places db, which apps/blog/app.yaml does not ask for",
    ]);
  });
});

describe("what is somewhere else now", () => {
  const rendered = (type: string, place: string, more = ""): Rendered => {
    const { value: plan, issues } = withPlace(type, place, { more });
    if (plan === undefined) throw new Error(JSON.stringify(issues));
    return { plan, releases: Object.fromEntries(plan.sites.map((each) => [each.name, renderRelease(each).id])) };
  };
  const at = (host: string, more = "") => `{external: {host: ${host}, name: blog, user: app${more}}}`;
  const losses = (one: Rendered, other: Rendered) =>
    planChanges(one, other).changes.flatMap(({ losses: all = [] }) => all.map(({ message }) => message));

  test.each([
    ["", at("db.acme.net"), "db of blog is db.acme.net:5432/blog now: what it has stays on web1, and is not copied"],
    [
      "",
      "{external: {url: {secret: 1}}}",
      "db of blog is the place that its secret says now: what it has stays on web1, and is not copied",
    ],
    [at("db.acme.net"), "", "db of blog is on web1 now: what it has at db.acme.net:5432/blog is not copied"],
    [at("a.net"), at("b.net"), "db of blog is b.net:5432/blog now: what it has at a.net:5432/blog is not copied"],
  ])("from %j to %j is DATA, and a person may accept it", (one, other, message) => {
    const [before, after] = [rendered("postgres", one), rendered("postgres", other)];
    expect(losses(before, after)).toEqual([message]);
    const found = planChanges(before, after);
    expect(decide(found, []).stopped).toEqual(["DATA blog"]);
    expect(decide(found, ["DATA"]).canMerge).toBe(true);
    const [change] = found.changes;
    expect(change?.details.filter(({ about }) => about === "services")).toHaveLength(1);
  });

  test("a cache, a password, TLS or a URL of another version is none", () => {
    expect(losses(rendered("memcached", ""), rendered("memcached", "{external: {host: a.b}}"))).toEqual([]);
    expect(losses(rendered("postgres", at("a.net")), rendered("postgres", at("a.net", ", tls: true")))).toEqual([]);
    const url = (version: number) => `{external: {url: {secret: ${version}}}}`;
    const [one, other] = [rendered("postgres", url(1)), rendered("postgres", url(2))];
    expect(losses(one, other)).toEqual([]);
    expect(planChanges(one, other).changes[0]?.details).toEqual([
      {
        about: "services",
        name: "db",
        from: "external postgres, CONFIG_DB_URL version 1",
        to: "external postgres, CONFIG_DB_URL version 2",
      },
    ]);
  });

  test("a protected environment keeps what is on its node", () => {
    const isProtected = "protected: true\n";
    const found = planChanges(rendered("postgres", "", isProtected), rendered("postgres", at("a.net"), isProtected));
    expect(decide(found, ["DATA"]).stopped).toEqual(["refused blog"]);
  });

  test("what is deployed tells the same", () => {
    const { plan, releases } = rendered("postgres", at("a.net"));
    const variables = (plan.sites[0]?.services ?? []).map((service) => [`service_${service.name}`, summary(service)]);
    const told = Object.fromEntries(variables) as Record<string, string>;
    const rollout = { release: releases.blog ?? "", nodes: "web1", version: "1.5.0", ...told };
    const found = standingOfCommands([{ name: "blog-rollout", variables: rollout }]);
    expect(found.sites).toEqual(standingOf(plan).sites);
  });
});
