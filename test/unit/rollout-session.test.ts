import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Channel, Exit } from "../../components/rollout/channel.ts";
import { Session } from "../../components/rollout/session.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session whose agent says what the test says. */
function connect() {
  const { promise: exited, resolve } = Promise.withResolvers<Exit>();
  const stdout = new PassThrough();
  const channel: Channel = {
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    exited,
    kill: () => {
      resolve({ code: null, signal: "SIGTERM" });
    },
  };
  const events: string[] = [];
  const session = new Session({
    node: "web1",
    channel,
    onEvent: (step, text) => events.push(`${step}: ${text}`),
    explain: () => ({ code: "lost", message: "never spoke" }),
  });
  /** Time goes by without a word, then comes one. */
  const say = async (seconds: number, words: object) => {
    await vi.advanceTimersByTimeAsync(seconds * 1000);
    stdout.write(`${JSON.stringify({ id: 1, ...words })}\n`);
    await new Promise((read) => setImmediate(read));
  };
  return { session, events, say, stdout };
}

test("a verb may take as long as it likes, as long as its agent says something", async () => {
  const { session, events, say } = connect();
  const asked = session.ask("measure", {});
  for (let word = 1; word <= 60; word++) await say(50, { event: { step: "packages", text: `word ${word}` } });
  await say(50, { result: { changes: [] } });
  expect(await asked).toEqual({ changes: [] });
  expect(events).toHaveLength(60);
});

test("an agent that says nothing for a minute is lost", async () => {
  const { session, say } = connect();
  const failed = session.ask("measure", {}).then(
    () => undefined,
    (error: unknown) => error,
  );
  await say(50, { event: { step: "measure", text: "one word" } });
  await vi.advanceTimersByTimeAsync(61_000);
  expect(await failed).toMatchObject({
    details: { code: "lost", step: "measure", message: "web1 did not answer measure: it said nothing for 60 s" },
  });
  expect(session.open).toBe(false);
});

test("what the login shell says before the agent is not taken for its words, with or without a line end", async () => {
  const { session, events, say, stdout } = connect();
  const asked = session.ask("measure", {});
  stdout.write('Welcome to web1!\n{"motd": true}\nYou have mail. ');
  await say(0, { event: { step: "packages", text: "a word" } });
  await say(0, { result: { changes: [] } });
  expect(await asked).toEqual({ changes: [] });
  expect(events).toEqual(["packages: a word"]);
});

test("a line ends at a line feed alone, wherever its bytes are cut", async () => {
  const { session, events, stdout } = connect();
  const asked = session.ask("measure", {});
  const text = "Not Found: /\u2028\u2029\u0085☃";
  const words = [{ event: { step: "line", text } }, { result: { changes: [] } }];
  for (const byte of Buffer.from(words.map((said) => `${JSON.stringify({ id: 1, ...said })}\n`).join(""))) {
    stdout.write(Buffer.from([byte]));
  }
  expect(await asked).toEqual({ changes: [] });
  expect(events).toEqual([`line: ${text}`]);
});
