import { join } from "node:path";
import type { Project } from "../test/support/project.ts";
import { inTurn, seconds } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import { timeToAnswer } from "./support/first-answer.ts";
import { largeSite } from "./support/large-site.ts";
import { sshOptions } from "./support/stage.ts";
import type { Stage } from "./support/stage.ts";

export const deploy: Bench = {
  name: "deploy",
  title: "One changed file in a large app",
  how:
    "A Flask app of 2,003 files and 7.9 MB in 2 processes of 4 threads, of which one file changes before each deploy, on one local node " +
    "with Debian 12. " +
    "The first answer is seen by one request every 10 ms. The floor is a copy of that app alone: `rsync --link-dest` of the tree " +
    "with its one changed file, and one ssh command that sets a symbolic link. `silver up` is `pulumi up` without its preview. " +
    "2.7 s is what Capistrano took here on the same kind of node.",
  measure: async (stage, runs) => {
    const { project, address, change } = await largeSite(stage);
    const copy = copier(stage, project, address);
    await copy();
    const results = await inTurn(stage, runs, {
      silver: async () => {
        const wanted = change();
        const { answer, end } = await timeToAnswer(address, wanted, () => stage.silver(project, "up"));
        return { answer, end };
      },
      floor: async () => {
        change();
        const time = await seconds(copy);
        return { answer: time, end: time };
      },
      pulumi: async () => {
        const wanted = change();
        return await timeToAnswer(address, wanted, () => stage.pulumiUp(project.engine));
      },
    });
    const beside = { what: "rsync --link-dest and one ssh", values: results.floor.map(({ end }) => end) };
    return [
      {
        what: "`silver up` to the first answer of the new release",
        unit: "s",
        values: results.silver.map(({ answer }) => answer),
        beside,
        goal: { kind: "limit", atMost: 2.7 },
      },
      { what: "`silver up` to its own end", unit: "s", values: results.silver.map(({ end }) => end), beside },
      {
        what: "`pulumi up`, with its preview, to its own end",
        unit: "s",
        values: results.pulumi.map(({ end }) => end),
        beside,
        goal: { kind: "above", atMost: 3 },
      },
    ];
  },
};

/** Each call makes one more copy of the app on the node, from the previous one and what changed since. */
function copier(stage: Stage, project: Project, address: string): () => Promise<void> {
  let copies = 0;
  const env = project.engine.environment;
  return async () => {
    const last = `../${copies}`;
    const next = `/srv/floor/${++copies}`;
    const remote = ["--rsh", ["ssh", ...sshOptions].join(" "), "--rsync-path", "mkdir -p /srv/floor && rsync"];
    const words = ["--archive", "--delete", ...(copies === 1 ? [] : ["--link-dest", last]), ...remote];
    await stage.run("rsync", [...words, join(project.root, "apps/large/"), `root@${address}:${next}/`], { env });
    await stage.ssh(project, address, `ln -sfn ${next} /srv/floor/current`);
  };
}
