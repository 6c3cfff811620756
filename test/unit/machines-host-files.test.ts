import { rootCertificates } from "node:tls";
import { expect, test } from "vitest";
import {
  nodeAptOptions,
  ownAuthorities,
  parseAptOptions,
  parseCertificates,
  renderHosts,
  renderResolvConf,
} from "../../components/machines/host-files.ts";

test("of apt's settings, those that say how archives are reached go along", () => {
  const dump = [
    'APT::Architecture "amd64";',
    'Acquire::http "";',
    'Acquire::http::Proxy "http://proxy.acme.net:3128";',
    'Acquire::https::Verify-Peer "true";',
    'Acquire::Check-Date "false";',
    'Acquire::IndexTargets::deb::Packages::MetaKey "x";',
    'DPkg::Post-Invoke:: "rm -f /var/cache/apt/archives/*.deb";',
  ].join("\n");
  expect(parseAptOptions(dump)).toEqual([
    'Acquire::http::Proxy "http://proxy.acme.net:3128";',
    'Acquire::https::Verify-Peer "true";',
    'Acquire::Check-Date "false";',
  ]);
});

test("a proxy on this computer's loopback is not a node's", () => {
  const [near, far] = ['Acquire::http::Proxy "http://127.0.0.1:3142";', 'Acquire::https::Proxy "http://proxy.acme.net:3128";'];
  expect(nodeAptOptions([near, far])).toEqual([far]);
});

test("the authorities that a node is given are those the system's package did not bring", () => {
  const [one = "", two = "", three = ""] = rootCertificates;
  const bundle = [one, two, three].join("\n");
  expect(parseCertificates(bundle).map((certificate) => certificate.trim())).toEqual([one, two, three]);
  // The same certificate in other line lengths is the same certificate.
  const rewrapped = two.replaceAll("\n", "").replace(/(-----BEGIN CERTIFICATE-----)(.*)(-----END)/, "$1\n$2\n$3");
  const own = ownAuthorities(bundle, `${rewrapped}\n${three}`);
  expect(Object.values(own)).toEqual([`${one}\n`]);
  expect(Object.keys(own)[0]).toMatch(/^host-[0-9a-f]{12}\.crt$/);
  expect(ownAuthorities(bundle, bundle)).toEqual({});
  expect(ownAuthorities("", "")).toEqual({});
});

test("a node's name servers are those it can reach", () => {
  expect(renderResolvConf(["# by hand\nnameserver 10.0.0.53\nsearch acme.net\n"])).toBe(
    "nameserver 10.0.0.53\nsearch acme.net\n",
  );
  expect(renderResolvConf(["nameserver 127.0.0.53\noptions edns0\n", "nameserver 10.0.0.53\n"])).toBe("nameserver 10.0.0.53\n");
  expect(renderResolvConf(["nameserver 127.0.0.1\nnameserver 10.0.0.53\n"])).toBe("nameserver 10.0.0.53\n");
  expect(() => renderResolvConf(["nameserver 127.0.0.1\n", "nameserver ::1\n", ""])).toThrow("no name server");
});

test("a node's hosts file has its own name, and what this computer's says of others", () => {
  const here =
    "127.0.0.1 localhost\n127.0.1.1 laptop\n::1 ip6-localhost\nff02::1 ip6-allnodes\n# a remark\n10.0.0.7 mirror\nfd00::7 mirror6\n";
  expect(renderHosts("web1", here)).toBe(
    "127.0.0.1 localhost\n127.0.1.1 web1\n::1 localhost ip6-localhost\n10.0.0.7 mirror\nfd00::7 mirror6\n",
  );
});
