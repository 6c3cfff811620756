// Ends a program on a Node that can't run TypeScript, in one sentence. Plain JavaScript, because such a Node must read it.
import { readFileSync } from "node:fs";
import process from "node:process";
import { URL } from "node:url";

const { engines } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
const oldest = engines.node.replace(">=", "");
const [major, minor] = process.versions.node.split(".").map(Number);
const [oldestMajor, oldestMinor] = oldest.split(".").map(Number);
if (major < oldestMajor || (major === oldestMajor && minor < oldestMinor)) {
  process.stderr.write(
    `✗ This needs Node ${oldest} or newer, and this is ${process.versions.node}.\n` +
      '  Run: eval "$(sh scripts/env.sh)" (puts a newer one on the PATH of this shell)\n',
  );
  process.exit(1);
}
