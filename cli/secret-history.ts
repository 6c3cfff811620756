import { readYaml } from "../components/text/yaml.ts";
import { isMap } from "../components/text/value.ts";
import { askGit } from "./git.ts";

/** Where stacks keep their secrets. Two of them may have one passphrase and one salt. */
const files = "stacks/Pulumi.*.yaml";

/** States of these files that are looked at, the latest first, and how many of them at once. */
const mostStates = 5_000;
const atOnce = 200;

/** Where a state of a stack's file has a value. */
interface Twin {
  key: string;
  file: string;
}

interface Earlier {
  /** Value → where an earlier state has it under another key, or another file has it. */
  twins: Map<string, Twin>;
  /** Why not all states were looked at; absent when all were. */
  cut?: string;
}

/**
 * Looks for encrypted values in all that git has of the files of stacks, on every branch: also one that no file has any more can be decrypted
 * still, and a change may begin before the commit that it copies from.
 * @param file of the stack
 * @param values value → the key that has it there now
 */
export function earlierTwins(root: string, file: string, values: ReadonlyMap<string, string>): Earlier {
  const twins = new Map<string, Twin>();
  if (values.size === 0) return { twins };
  const words = ["log", "--all", "HEAD", "--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "--format="];
  const listed = askGit(root, [...words, "--", files]).toString("latin1");
  const found = [...listed.matchAll(/^:\d+ \d+ [0-9a-f]+ (?!0+ )([0-9a-f]+) [^\t]*\t(.*)$/gm)];
  const states = Map.groupBy(found, ([, id = ""]) => id);
  const latest = [...states.keys()].slice(0, mostStates);
  for (let next = 0; next < latest.length; next += atOnce) {
    for (const [id, text] of blobs(root, latest.slice(next, next + atOnce)))
      for (const [value, key] of values) {
        if (twins.has(value) || !text.includes(value)) continue;
        const files = new Set(states.get(id)?.map(([, , path = ""]) => path));
        const places = keysOf(text, value).flatMap((name) => [...files].map((path) => ({ key: name, file: path })));
        const other = places.find((place) => place.key !== key || place.file !== file);
        if (other !== undefined) twins.set(value, other);
      }
  }
  if (states.size > mostStates)
    return { twins, cut: `only the latest ${mostStates} versions of such files in git were searched for copies of new values` };
  const isWhole = askGit(root, ["rev-parse", "--is-shallow-repository"]).toString().trim() === "false";
  if (isWhole) return { twins };
  return { twins, cut: "this clone has a part of git's history alone, and no more was searched for copies of new values" };
}

/** The keys of a value in the text of a stack's file; where it can't be read, one that says so. */
function keysOf(text: string, value: string): string[] {
  const { tree } = readYaml(text, "");
  if (tree === undefined) return ["a file that can't be read"];
  const config = isMap(tree) && isMap(tree.config) ? Object.values(tree.config) : [];
  return config
    .filter(isMap)
    .flatMap((secrets) => Object.entries(secrets).flatMap(([key, kept]) => (isMap(kept) && kept.secure === value ? [key] : [])));
}

function* blobs(root: string, ids: readonly string[]): Generator<[id: string, text: string]> {
  const answer = askGit(root, ["cat-file", "--batch"], { input: ids.map((id) => `${id}\n`).join("") });
  for (let at = 0; at < answer.length;) {
    const end = answer.indexOf("\n", at);
    const [id = "", type, size] = answer.toString("latin1", at, end).split(" ");
    const length = Number(size);
    if (!Number.isInteger(length)) {
      // Missing, as in a clone that is not whole.
      at = end + 1;
      continue;
    }
    if (type === "blob") yield [id, answer.toString("utf8", end + 1, end + 1 + length)];
    at = end + length + 2;
  }
}
