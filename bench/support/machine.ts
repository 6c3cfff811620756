import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { arch, availableParallelism, cpus, loadavg, totalmem } from "node:os";
import { commandPlugin } from "../../test/support/engine.ts";

/** Such figures say something beside their peer's, which were measured in turn with them, and little by themselves. */
const besideOthers = ", beside other work";

/** What the figures depend on, in one line: no name and no path of this machine. */
export function describeMachine(): string {
  const system = /^PRETTY_NAME="(.*)"$/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? process.platform;
  const processor = cpus()[0]?.model ?? arch();
  const memory = Math.round(totalmem() / 2 ** 30);
  const pulumi = execFileSync("pulumi", ["version"], { encoding: "utf8" }).trim().replace(/^v/, "");
  const isBusy = (loadavg()[0] ?? 0) > availableParallelism() / 4;
  const plugin = commandPlugin === undefined ? "this project's stand-in for the command plugin" : "the real command plugin";
  return `${availableParallelism()} cores (${processor}), ${memory} GB, ${system}${isBusy ? besideOthers : ""}; Node ${process.versions.node}, Pulumi ${pulumi} with ${plugin}`;
}
