import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const files = readdirSync("components", { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".ts"))
  .map((path) => join("components", path))
  .sort();
const texts = new Map(files.map((file) => [file, readFileSync(file, "utf8")]));

/** File → the files of components/ that it imports, types too. */
const imports = new Map(
  [...texts].map(([file, text]) => [
    file,
    ts
      .preProcessFile(text)
      .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
      .map(({ fileName }) => join(dirname(file), fileName)),
  ]),
);

test("every import between files of components/ is seen", () => {
  expect([...imports.values()].flat().length).toBeGreaterThan(files.length);
  expect([...imports.values()].flat().filter((file) => !texts.has(file))).toEqual([]);
});

test("no file of components/ imports itself by way of others", () => {
  expect(findCircle(imports)).toBeUndefined();
});

test("a circle is found", () => {
  const circle = new Map([
    ["a", ["b"]],
    ["b", ["c"]],
    ["c", ["b"]],
  ]);
  expect(findCircle(circle)).toEqual(["b", "c", "b"]);
});

test("no two files of components/ export a function of one name", () => {
  const owners = [...texts].flatMap(([file, text]) =>
    [...text.matchAll(/^export (?:async )?function (\w+)/gm)].map(([, name = ""]) => ({ name, file })),
  );
  const twice = [...Map.groupBy(owners, ({ name }) => name)].filter(([, of]) => of.length > 1);
  expect(twice.map(([name, of]) => `${name}: ${of.map(({ file }) => file).join(", ")}`)).toEqual([]);
});

/** The way from a node back to itself, where there is one. */
function findCircle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (node: string, way: readonly string[]): string[] | undefined => {
    const at = way.indexOf(node);
    if (at >= 0) return [...way.slice(at), node];
    if (done.has(node)) return undefined;
    for (const next of graph.get(node) ?? []) {
      const circle = visit(next, [...way, node]);
      if (circle) return circle;
    }
    done.add(node);
    return undefined;
  };
  for (const node of graph.keys()) {
    const circle = visit(node, []);
    if (circle) return circle;
  }
  return undefined;
}
