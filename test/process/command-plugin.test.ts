/** What the stand-in for the command plugin makes of ssh and of the shell on the far side, without an engine. */
import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Connections } from "../../tools/command-plugin/connection.ts";
import type { Endpoint } from "../../tools/command-plugin/inputs.ts";
import { openingLine, renderBootstrap, renderScript } from "../../tools/command-plugin/session.ts";

const endpoint: Endpoint = { host: "127.0.0.1", user: "silver", port: 1, dialErrorLimit: 10, perDialTimeout: 15 };
/** Text a shell can hold: all but NUL. */
const shellText = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""));
const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

describe("connections", () => {
  it("dial one host for two commands as often as each of them allows", async () => {
    const connections = new Connections();
    const context = {
      signal: new AbortController().signal,
      log: { progress: () => undefined, say: () => undefined, sent: () => Promise.resolve() },
    };
    const dials = [2, 0].map((dialErrorLimit) => connections.open({ ...endpoint, dialErrorLimit }, context));
    const reasons = (await Promise.allSettled(dials)).map((dial) => "reason" in dial && String(dial.reason));
    expect(reasons).toEqual([
      expect.stringContaining("after 2 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused"),
      expect.stringContaining("after 0 failed attempts: dial tcp 127.0.0.1:1: connect: connection refused"),
    ]);
    await connections.close();
  });
});

describe("a session", () => {
  /** What the far side would do with it. */
  const run = (stdin: string, environment: Record<string, string>) => {
    const output = execFileSync("sh", ["-c", renderBootstrap()], {
      input: stdin,
      env: { PATH: process.env.PATH, ...environment },
    });
    return openingLine(output);
  };

  it("brings script, stdin and variables over unchanged, whatever they hold", () => {
    const words = fc.record({ text: shellText, stdin: shellText, value: shellText });
    fc.assert(
      fc.property(words, ({ text, stdin, value }) => {
        const script = renderScript(`printf '%s' ${quote(text)} "$VALUE"; cat`, { VALUE: value }, ["VALUE"]);
        const opened = run(script + stdin, { VALUE: value });
        expect(opened?.refused).toEqual([]);
        expect(opened?.rest.toString()).toBe(text + value + stdin);
      }),
      { numRuns: 50 },
    );
  });

  it("names the variables that did not arrive, and runs nothing without one that was demanded", () => {
    const variables = { DEMANDED: "1", OFFERED: "2", "no-name": "3" };
    const offered = renderScript("echo ran", variables, []);
    expect(run(offered, { DEMANDED: "other" })).toEqual({
      refused: ["DEMANDED", "OFFERED", "no-name"],
      rest: Buffer.from("ran\n"),
    });
    const demanded = renderScript("echo ran", variables, ["DEMANDED"]);
    expect(() => run(demanded, {})).toThrow(/Command failed/);
  });
});
