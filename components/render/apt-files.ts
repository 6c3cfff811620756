import type { NodeApt } from "../plan/plan.ts";
import type { NodeState } from "./rendered.ts";

/** Below what a package of the node has by itself (100) and of what its distribution has (500): taken only where nobody else has it. */
const others = 50;
/** Above the distribution. */
const named = 990;

/** What the agent gives apt. */
export function renderApt({ sources, answers }: NodeApt): NonNullable<NodeState["apt"]> {
  return {
    sources: Object.fromEntries(sources.map((source) => [source.name, renderSource(source)])),
    pins: renderPins(sources),
    answers: answers.map((answer) => `${answer}\n`).join(""),
  };
}

/** With its key inside: apt believes it for this archive alone. */
function renderSource({ name, uri, suites, components, key }: NodeApt["sources"][number]): string {
  const lines = key.trim().split("\n");
  return `# Made by silver: the source ${name} of the environment.
Types: deb
URIs: ${uri}
Suites: ${suites.join(" ")}
${components.length === 0 ? "" : `Components: ${components.join(" ")}\n`}Signed-By:
${lines.map((line) => ` ${line.trim() === "" ? "." : line.trim()}\n`).join("")}`;
}

function renderPins(sources: NodeApt["sources"]): string {
  const pin = (packages: string, uri: string, priority: number) =>
    `\nPackage: ${packages}\nPin: origin "${new URL(uri).hostname}"\nPin-Priority: ${priority}\n`;
  const pins = sources.flatMap(({ uri, packages }) => [
    pin("*", uri, others),
    ...(packages.length === 0 ? [] : [pin(packages.join(" "), uri, named)]),
  ]);
  return `# Made by silver: no source replaces a package of the distribution that is not named for it.\n${pins.join("")}`;
}
