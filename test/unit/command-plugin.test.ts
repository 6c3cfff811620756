/** The parts of the stand-in for the command plugin that are text in, text out. The rest stands in test/process and test/engine. */
import { describe, expect, it } from "vitest";
import { dialFailure } from "../../tools/command-plugin/dial-failure.ts";
import { diffInputs } from "../../tools/command-plugin/diff.ts";
import type { Endpoint } from "../../tools/command-plugin/inputs.ts";
import { previewUpdate } from "../../tools/command-plugin/resource.ts";
import { quoteText } from "../../tools/command-plugin/run.ts";
import { openingLine } from "../../tools/command-plugin/session.ts";
import { parseHostKey, renderSshConfig } from "../../tools/command-plugin/ssh-config.ts";
import { secret, unknown } from "../../tools/command-plugin/values.ts";

const endpoint: Endpoint = { host: "10.0.1.11", user: "silver", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };

it("a session keeps what a login shell prints before the opening line, and waits for the whole of that line", () => {
  expect(openingLine(Buffer.from("welcome\nsilver-command-plugin star"))).toBeUndefined();
  expect(openingLine(Buffer.from("silver-command-plugin started A"))).toBeUndefined();
  expect(openingLine(Buffer.from("welcome\nsilver-command-plugin started A\nrest"))).toEqual({
    refused: ["A"],
    rest: Buffer.from("welcome\nrest"),
  });
});

describe("a failed dial", () => {
  it.each([
    ["ssh: connect to host h port 22: Connection timed out", "dial tcp 10.0.1.11:22: i/o timeout"],
    ["ssh: connect to host h port 22: No route to host", "dial tcp 10.0.1.11:22: connect: no route to host"],
    ["ssh: connect to host h port 22: Network is unreachable", "dial tcp 10.0.1.11:22: connect: network is unreachable"],
    [
      "Unable to negotiate with h port 22: no matching host key type found. Their offer: ssh-ed25519,rsa-sha2-512",
      "ssh: handshake failed: ssh: no common algorithm for host key; server offered: [ssh-ed25519 rsa-sha2-512]",
    ],
    [
      "kex_exchange_identification: read: Connection reset by peer\r\n",
      "ssh: handshake failed: kex_exchange_identification: read: Connection reset by peer",
    ],
    ["", "ssh: handshake failed: the connection was closed"],
  ])("of which ssh says %j is reported as the real plugin does", (stderr, message) => {
    expect(dialFailure(stderr, endpoint)).toBe(message);
  });

  it("names the ways of logging in that were tried, and writes an IPv6 address in brackets", () => {
    const denied = "silver@10.0.1.11: Permission denied (publickey,password,keyboard-interactive).";
    expect(dialFailure(denied, { ...endpoint, privateKey: "k", password: "p" })).toContain(
      "attempted methods [none publickey password keyboard-interactive]",
    );
    expect(dialFailure("Connection refused", { ...endpoint, host: "fd00::1" })).toBe(
      "dial tcp [fd00::1]:22: connect: connection refused",
    );
  });
});

describe("an ssh configuration", () => {
  it.each([
    ["host", "node;true"],
    ["host", "-oProxyCommand=true"],
    ["user", 'a"b'],
    ["user", "a\nProxyCommand true"],
    ["agentSocketPath", '/tmp/a"\nProxyCommand true'],
  ] as const)("refuses the %s %j", (field, value) => {
    expect(() => renderSshConfig("/f", { ...endpoint, [field]: value })).toThrow(`connection.${field}`);
  });

  it("verifies the host where a key is given, and does not where none is", () => {
    const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIbXSPLhSz9ahXYtA6WS1VAxaJ1x/4lWpTKJYFY1sCP5 comment";
    expect(renderSshConfig("/f", { ...endpoint, hostKey })).toMatch(
      /StrictHostKeyChecking yes\n.*known_hosts\n.*HostKeyAlgorithms ssh-ed25519\n/,
    );
    expect(renderSshConfig("/f", endpoint)).toMatch(/StrictHostKeyChecking no\n/);
    expect(() => parseHostKey(hostKey.replace("ssh-ed25519", "ssh-rsa"))).toThrow("failed to parse host key: ssh: no key found");
  });
});

it("quotes a command as Go's %q does", () => {
  expect(quoteText(`a "b"\n\t\\ \u0007\u000b\u001b\u007f é 世`)).toBe('"a \\"b\\"\\n\\t\\\\ \\a\\v\\x1b\\x7f é 世"');
});

describe("a diff", () => {
  it("takes a mark for a difference, and names paths as the engine does", () => {
    const changes = diffInputs(
      { a: "x", m: { "k.1": 1, k: [1, { deep: 2 }] }, version: "1" },
      { a: secret("x"), m: { "k.1": 2, k: [1, { deep: 3 }, 4] }, version: "2" },
    );
    expect(Object.fromEntries(changes)).toEqual({ a: "update", 'm["k.1"]': "update", "m.k[1].deep": "update", "m.k[2]": "add" });
  });

  it("finds nothing between equal secrets", () => {
    expect(diffInputs({ a: secret({ b: secret("x") }) }, { a: secret({ b: secret("x") }) }).size).toBe(0);
  });
});

it("previews the output as known only where an input was merely added", () => {
  const old = { create: "echo", stdout: "printed", stderr: "" };
  expect(previewUpdate(old, { create: "echo", update: "true" }).stdout).toBe("printed");
  expect(previewUpdate(old, { create: "echo again" }).stdout).toBe(unknown);
  expect(previewUpdate({ ...old, dir: "/" }, { create: "echo" }).stdout).toBe(unknown);
});
