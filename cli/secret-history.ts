import { readYaml } from "../components/text/yaml.ts";
import { isMap } from "../components/text/value.ts";
import { askGit } from "./git.ts";

/** Where stacks keep their secrets. Two of them may have one passphrase and one salt. */
const files = "stacks/Pulumi.*.yaml";

/** States of these files that are looked at, the latest first, and how many of them at once. */
const mostStates = 5_000;
const atOnce = 200;

interface Earlier {
  /** Value → the key under which an earlier state of a stack's file has it, where that is another. */
  twins: Map<string, string>;
  /** Whether there are more states than were looked at. */
  isCut: boolean;
}

/**
 * Looks for encrypted values in all that git has of the files of stacks, on every branch: also one that no file has any more can be decrypted
 * still, and a change may begin before the commit that it copies from.
 * @param values value → the key that has it now
 */
export function earlierKeys(root: string, values: ReadonlyMap<string, string>): Earlier {
  const twins = new Map<string, string>();
  if (values.size === 0) return { twins, isCut: false };
  const words = ["log", "--all", "HEAD", "--full-history", "-m", "--raw", "--no-abbrev", "--no-renames", "--format="];
  const listed = askGit(root, [...words, "--", files]).toString("latin1");
  const states = new Set([...listed.matchAll(/^:\d+ \d+ [0-9a-f]+ (?!0+ )([0-9a-f]+) /gm)].map(([, id = ""]) => id));
  const latest = [...states].slice(0, mostStates);
  for (let next = 0; next < latest.length; next += atOnce) {
    for (const text of blobs(root, latest.slice(next, next + atOnce)))
      for (const [value, key] of values) {
        if (twins.has(value) || !text.includes(value)) continue;
        const other = keysOf(text, value).find((name) => name !== key);
        if (other !== undefined) twins.set(value, other);
      }
  }
  return { twins, isCut: states.size > mostStates };
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

function* blobs(root: string, ids: readonly string[]): Generator<string> {
  const answer = askGit(root, ["cat-file", "--batch"], { input: ids.map((id) => `${id}\n`).join("") });
  for (let at = 0; at < answer.length;) {
    const end = answer.indexOf("\n", at);
    const [, type, size] = answer.toString("latin1", at, end).split(" ");
    const length = Number(size);
    if (!Number.isInteger(length)) {
      // Missing, as in a clone that is not whole.
      at = end + 1;
      continue;
    }
    if (type === "blob") yield answer.toString("utf8", end + 1, end + 1 + length);
    at = end + length + 2;
  }
}
