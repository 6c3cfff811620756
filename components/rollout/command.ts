import { resolve } from "node:path";
import { text } from "node:stream/consumers";
import { cacheDirectory } from "./cache.ts";
import { spawnChannel } from "./channel.ts";
import { deploy } from "./deploy.ts";
import { renderOutcome, succeeded } from "./outcome.ts";
import { packApp } from "./pack-app.ts";
import { remove } from "./remove.ts";
import { hiding, streamReporter } from "./reporter.ts";
import type { Reporter } from "./reporter.ts";
import { parseRequest, planRollout } from "./rollout.ts";
import type { Rollout } from "./rollout.ts";
import { Session } from "./session.ts";
import { agentCommand, explainConnection, makeSshFiles, rsyncWords } from "./ssh.ts";
import { watchForStop } from "./stop-signals.ts";
import type { Tools } from "./tools.ts";
import { upload } from "./upload.ts";
import { leaveVerdict, removalOf, verdictOf } from "./verdict-file.ts";
import { wheelSets } from "./wheels.ts";
import { whoRuns } from "./who.ts";

/**
 * The command of one site: without arguments it rolls out what stdin carries, with `remove` it removes the site from its nodes.
 * Runs in `stacks/`. stdout is one line that Pulumi keeps; progress and the final summary go to stderr.
 * @returns whether it succeeded
 * @throws Error for a person, when nothing has begun
 */
export async function rolloutCommand(args: readonly string[]): Promise<boolean> {
  const [verb = "deploy", ...rest] = args;
  if (rest.length > 0 || (verb !== "deploy" && verb !== "remove"))
    throw new Error(`usage: main.ts [deploy|remove] < rollout.json`);
  const rollout = planRollout(parseRequest(await text(process.stdin)));
  const hide = hiding(Object.values(rollout.secrets));
  const reporter = streamReporter((line) => process.stderr.write(line), Object.values(rollout.secrets));
  const ssh = makeSshFiles(rollout.nodes, rollout.ssh.proxy);
  process.on("exit", ssh.remove);
  const stop = watchForStop();
  stop.addEventListener("abort", () => {
    reporter.lines([`stopping: ${String(stop.reason)}`]);
  });
  const tools = toolsFor(rollout, reporter, stop, ssh.routeTo);
  if (verb === "remove") {
    const removed = await remove(rollout, tools);
    reporter.lines(removed.lines);
    leaveVerdict(removalOf(removed.done, rollout), hide, process.env);
    return removed.done;
  }
  const outcome = await deploy(rollout, tools);
  reporter.lines(renderOutcome(outcome, rollout));
  leaveVerdict(verdictOf(outcome, rollout), hide, process.env);
  process.stdout.write(`${JSON.stringify({ release: rollout.release.id, verdict: outcome.verdict })}\n`);
  return succeeded(outcome.verdict);
}

function toolsFor(
  rollout: Rollout,
  reporter: Reporter,
  stop: AbortSignal,
  routeTo: ReturnType<typeof makeSshFiles>["routeTo"],
): Tools {
  return {
    connect: (node) => {
      const route = routeTo(node);
      return new Session({
        node: node.name,
        channel: spawnChannel(agentCommand(route)),
        onEvent: (step, said) => {
          reporter.step(node.name, step, said);
        },
        explain: (exit, stderr) => explainConnection(route, exit, stderr),
      });
    },
    remote: (node, directory) => rsyncWords(routeTo(node), directory),
    upload,
    pack: () => Promise.resolve(packApp(resolve(".."), rollout.app, rollout.configDirectory)),
    wheels: (app) =>
      wheelSets(rollout, app, {
        cache: cacheDirectory(),
        signal: stop,
        say: (text) => {
          reporter.lines([text]);
        },
      }),
    reporter,
    stop,
    holder: { who: whoRuns(), pid: process.pid },
    // Longer than an agent waits before it considers a silent driver dead.
    settle: { withinSeconds: 45, everySeconds: 1 },
  };
}
