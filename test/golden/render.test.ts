import { readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../components/render/canonical-json.ts";
import { renderNodeState } from "../../components/render/node-state.ts";
import { renderRelease } from "../../components/render/release.ts";
import { nodeState, release as releaseSchema, type RenderedFile } from "../../components/render/rendered.ts";
import { expectGolden, goldenDirectory } from "../support/golden.ts";
import { goldenPlans } from "../support/golden-plans.ts";

/** The record beside its files, without their texts: modes, groups and what follows a change. */
function record(rest: { files: RenderedFile[] }): string {
  const files = rest.files.map(({ content, ...file }) => ({ ...file, bytes: content.length }));
  return `${JSON.stringify(JSON.parse(canonicalJson({ ...rest, files })), undefined, 2)}\n`;
}

describe.each(Object.entries(goldenPlans))("environment %s", (name, plan) => {
  const seen: string[] = [];
  const golden = (file: string, text: string) => {
    seen.push(file);
    expectGolden(`${name}/${file}`, text);
  };

  test.each(plan.sites.map((site) => [site.name, site] as const))("the release of %s", (site, sitePlan) => {
    const release = renderRelease(sitePlan);
    for (const { path, content } of release.files) {
      // One for all releases: each in components/render is its own golden file.
      if (!path.endsWith(".py")) golden(`${site}/${path}`, content);
    }
    golden(`${site}/release.json`, record(release));
    expect(releaseSchema.safeParse(release).error).toBeUndefined();
  });

  test.each(plan.nodes.map((node) => [node.name, node] as const))("the node %s", (node, nodePlan) => {
    const state = renderNodeState(plan, nodePlan);
    for (const { path, content } of state.files) {
      // The same on every node.
      if (!path.endsWith(".py")) golden(`${node}${path}`, content);
    }
    golden(`${node}/state.json`, record(state));
    expect(nodeState.safeParse(state).error).toBeUndefined();
  });

  test("no golden file is left that nothing is rendered to", () => {
    const present = readdirSync(`${goldenDirectory}/${name}`, { recursive: true, withFileTypes: true }).filter((entry) =>
      entry.isFile(),
    );
    expect(present).toHaveLength(seen.length);
  });
});
