// docs/django.md, as far as it needs no node: a real startproject, the page's edits, and a request to what they made.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { notYet } from "../../components/manifest/not-yet.ts";
import { offlineCheckout } from "../support/checkout.ts";
import { nameOf, stepsOf, take } from "../support/walk.ts";

const text = readFileSync(join(import.meta.dirname, "../../docs/django.md"), "utf8");
const steps = stepsOf(text);

/** Asks the page's WSGI callable, with the variables of a node. */
const ask = `
import io, json, os, sys
os.environ.update(SECRET_KEY="k" * 60, DJANGO_SUPERUSER_PASSWORD="p", MIGRATE="off", HTTPS_ONLY=sys.argv[1], STATIC_URL="/",
    SILVER_CANONICAL_HOSTNAME="notes.example.org", MORE_HOSTS=".example.net", CONFIG_PG_DBNAME="notes_g1", CONFIG_PG_USER="site-notes",
    CONFIG_PG_PASSWORD="", CONFIG_PG_HOST="/nonexistent", CONFIG_PG_PORT="5432")
sys.path.insert(0, "apps/notes/src")
from mysite.wsgi import application
from wsgiref.util import setup_testing_defaults
def get(host, path, scheme):
    environ = {"HTTP_HOST": host, "PATH_INFO": path, "wsgi.url_scheme": scheme}
    setup_testing_defaults(environ)
    status = []
    body = b"".join(application(environ, lambda line, headers: status.append(line)))
    return [int(status[0].split()[0]), "/assets/admin/css/base.css" in body.decode()]
print(json.dumps([get("notes.example.org", "/admin/login/", "http"), get("www.example.net", "/admin/login/", "https"),
    get("evil.example.com", "/admin/login/", "https")]))
`;

describe("docs/django.md", () => {
  let checkout: Awaited<ReturnType<typeof offlineCheckout>>;
  beforeAll(async () => {
    checkout = await offlineCheckout();
  });
  afterAll(() => {
    checkout.remove();
  });

  test.each(steps.filter(({ needsNode }) => !needsNode).map((step) => [nameOf(step), step] as const))("%s", async (_, step) => {
    await take(checkout, step);
  });

  test.each([
    ["off", [200, true]],
    ["on", [301, false]],
  ])("its application answers as the page says, with HTTPS_ONLY %s", async (https, plain) => {
    const { code, output } = await checkout.sh(`apps/notes/.venv/bin/python -W ignore - ${https} 2>errors <<'E'\n${ask}\nE`);
    expect(code, output + readFileSync(join(checkout.root, "errors"), "utf8")).toBe(0);
    expect(JSON.parse(output)).toEqual([plain, [200, true], [400, false]]);
  });

  test("it does without the manifest's migrate as long as that is not built, and no longer", () => {
    expect(notYet("migrate"), "show the manifest's migrate in docs/django.md").toBeDefined();
  });
});
