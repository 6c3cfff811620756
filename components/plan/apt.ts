import { hash } from "node:crypto";
import type { NodeApt } from "./plan.ts";

/** A source of packages as a reviewer reads it, with all of its key's digest: two keys of which a part is the same are soon found. */
export function sourceText({ uri, suites, components, key, packages }: NodeApt["sources"][number]): string {
  const of = packages.length === 0 ? "" : `, before the distribution for ${packages.join(" ")}`;
  return `${[uri, ...suites, ...components].join(" ")}, key sha256:${hash("sha256", key.trim())}${of}`;
}

/** All that a node's apt knows besides the distribution, a line each. */
export function aptFacts({ sources, answers }: NodeApt): string[] {
  return [...sources.map((source) => `${source.name} ${sourceText(source)}`), ...answers.map((answer) => `answer ${answer}`)];
}
