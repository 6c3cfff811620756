// What the program leaves out of the SDK's start: in a process of its own, as the SDK is loaded once only.
import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");

/** What JavaScript that runs after it prints, as JSON. */
function after(script: string): unknown {
  const words = `import "./components/resources/light-sdk.ts"; ${script}`;
  return JSON.parse(execFileSync(process.execPath, ["--input-type=module", "-e", words], { cwd: root, encoding: "utf8" }));
}

test("the SDK loads neither a compiler nor a dependency resolver, except on request", () => {
  const script = `
    import { createRequire } from "node:module";
    import * as pulumi from "@pulumi/pulumi";
    const require = createRequire(createRequire(process.cwd() + "/").resolve("@pulumi/pulumi"));
    const loaded = () => Object.keys(require.cache).filter((path) => /\\/(@npmcli\\/arborist|typescript)\\//.test(path)).length;
    const before = loaded();
    const { Arborist } = require("@npmcli/arborist");
    const { text } = await pulumi.runtime.serializeFunction(() => "packed");
    const after = Object.keys(require.cache).some((path) => path.endsWith("/typescript.js"));
    console.log(JSON.stringify({ before, method: typeof Arborist.prototype.loadActual, packed: text.includes('"packed"'), after }));`;
  // The resolver's own name is taken, so that it is found there.
  expect(after(script)).toEqual({ before: 1, method: "function", packed: true, after: true });
});

test("a stack trace still shows where something was thrown", () => {
  const script = `
    const { renderRelease } = await import("./components/render/release.ts");
    try { renderRelease({ name: "blog", platform: "php" }) } catch (error) { console.log(JSON.stringify(error.stack.split("\\n")[1])) }`;
  expect(after(script)).toMatch(/at renderRelease \(.*components\/render\/release\.ts:\d+:\d+\)/);
});
