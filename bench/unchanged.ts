import type { Files } from "../test/support/engine.ts";
import { inTurn, seconds } from "./support/bench.ts";
import type { Bench } from "./support/bench.ts";
import type { Figure } from "./support/figure.ts";
import { smallApp } from "./support/small-app.ts";

const sites = Array.from({ length: 10 }, (_, index) => `site${index}`);

/** Every site on every node. */
function environment(nodes: readonly string[]): Files {
  const declared = nodes.map((name) => `  ${name}: { local: true, os: debian-12, roles: [web] }\n`);
  const placed = sites.map(
    (name) => `  ${name}: { app: apps/${name}, nodes: [${nodes.join(", ")}], locations: [${name}.test] }\n`,
  );
  return { "stacks/test.yaml": `nodes:\n${declared.join("")}sites:\n${placed.join("")}` };
}

export const unchanged: Bench = {
  name: "unchanged",
  title: "Nothing changed",
  how:
    "Ten small Python sites on local nodes with Debian 12, first on one, then all of them on each of three; then `pulumi up --yes`, " +
    "with nothing to do, beside that of a program which only imports `@pulumi/pulumi`: the same engine, file backend and flags. " +
    "With `--skip-preview`, as `silver up` runs it, once more.",
  measure: async (stage, runs) => {
    const empty = await stage.engine({ "index.ts": 'import "@pulumi/pulumi";\n' });
    await stage.pulumiUp(empty);
    const project = await stage.project({
      ...Object.fromEntries(sites.flatMap((name) => Object.entries(smallApp(name)))),
      ...environment(["web1"]),
    });
    const figures: Figure[] = [];
    for (const nodes of [["web1"], ["web1", "web2", "web3"]]) {
      project.engine.write(environment(nodes));
      const where = nodes.length === 1 ? "1 node" : `${nodes.length} nodes`;
      stage.say(`bringing up ${sites.length} sites on ${where}`);
      await stage.pulumiUp(project.engine, "--skip-preview");
      const results = await inTurn(stage, runs, {
        ours: () => seconds(() => stage.pulumiUp(project.engine)),
        empty: () => seconds(() => stage.pulumiUp(empty)),
        "ours, no preview": () => seconds(() => stage.pulumiUp(project.engine, "--skip-preview")),
        "empty, no preview": () => seconds(() => stage.pulumiUp(empty, "--skip-preview")),
      });
      const figure = (command: string, values: number[], floor: number[]): Figure => ({
        what: `\`${command}\`, 10 sites on ${where}`,
        unit: "s",
        values,
        beside: { what: "an empty program", values: floor },
        goal: { kind: "ratio", atMost: 1.5 },
      });
      figures.push(
        figure("pulumi up", results.ours, results.empty),
        figure("pulumi up --skip-preview", results["ours, no preview"], results["empty, no preview"]),
      );
    }
    return figures;
  },
};
