// What `ssh … silver-agent serve` is for a fake node: `faulty-session.ts ROOT`, through the way that was laid to it.
import { appendFileSync, readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { join } from "node:path";
import { carry } from "./faults.ts";
import type { Way } from "./fake-node.ts";

const [, , root = ""] = process.argv;
const way = JSON.parse(readFileSync(join(root, "way.json"), "utf8")) as Way;
const onCall = (call: string): void => {
  appendFileSync(join(root, "calls"), `${call}\n`);
};
carry({ ...way, onCall }, createConnection(join(root, "door")), process.stdin, process.stdout, () => process.exit(0));
