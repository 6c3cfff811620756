import { expect, test } from "vitest";
import { mergeIndex } from "../../components/rollout/package-index.ts";

const pip = `:env:.disable-pip-version-check='1'
global.index-url='https://pypi.acme.net/simple'
global.cert='/etc/ssl/acme.pem'
install.find-links='\\n/opt/wheels\\n/srv/wheels'
:env:.extra-index-url='https://a/simple https://b/simple'
`;

test("pip's settings name the index where none of uv's does", () => {
  expect(mergeIndex({ HOME: "/root" }, pip)).toEqual({
    HOME: "/root",
    UV_DEFAULT_INDEX: "https://pypi.acme.net/simple",
    UV_INDEX: "https://a/simple https://b/simple",
    UV_FIND_LINKS: "/opt/wheels,/srv/wheels",
    SSL_CERT_FILE: "/etc/ssl/acme.pem",
  });
});

test("what uv was told goes before pip's settings", () => {
  const own = { UV_INDEX_URL: "https://own/simple", SSL_CERT_FILE: "/own.pem", UV_FIND_LINKS: "/own" };
  expect(mergeIndex(own, pip)).toEqual(own);
});

test("a variable goes before pip's files, and a section of its own before what holds for all", () => {
  const text = ":env:.index-url='https://c'\ninstall.index-url='https://b'\nglobal.index-url='https://a'\n";
  expect(mergeIndex({}, text)).toEqual({ UV_DEFAULT_INDEX: "https://c" });
  expect(mergeIndex({}, text.replace(/^.*\n/, ""))).toEqual({ UV_DEFAULT_INDEX: "https://b" });
});

test("no variable of uv changes what is installed", () => {
  const all = { UV_NO_VERIFY_HASHES: "1", UV_CONSTRAINT: "x", UV_INDEX_ACME_PASSWORD: "p", UV_CACHE_DIR: "/c" };
  expect(mergeIndex(all, "")).toEqual({ UV_INDEX_ACME_PASSWORD: "p", UV_CACHE_DIR: "/c" });
});
