import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { withLosses, type Changes } from "../components/plan/changes.ts";
import type { Loss } from "../components/plan/losses.ts";
import type { Plan } from "../components/plan/plan.ts";
import { allSecrets, secretKey } from "../components/plan/secret-key.ts";
import { readInside, realDirectory, refusalIssue } from "../components/text/files.ts";
import { error, type Issue } from "../components/text/issue.ts";
import { quoteName } from "../components/text/quote.ts";
import type { Source } from "../components/text/source.ts";
import { isMap } from "../components/text/value.ts";
import { readYaml } from "../components/text/yaml.ts";
import { NotPlanned } from "./planned.ts";
import { earlierTwins } from "./secret-history.ts";

interface Compared {
  /** The project, with git's history. */
  root: string;
  /** Directories with the files of both sides. */
  before: string;
  after: string;
  /** The plan after. */
  plan: Plan;
}

/** What a stack's own file keeps, as far as it can be told without opening it. */
interface Kept {
  /** How its values were encrypted. */
  way: string;
  /** Key → its value, mostly encrypted. */
  values: ReadonlyMap<string, string>;
}

/** Bytes of a stack's own file: room for thousands of secrets. */
const most = 4 * 1024 ** 2;

/** Keys of it: any other names a place from which Pulumi takes more. */
const topKeys = ["config", "encryptionsalt", "encryptedkey", "secretsprovider"];

/** The key below `config` that keeps the secrets. */
const secretsKey = "silverlining:secrets";

/** What Pulumi takes for the same key. Of several in one file it takes one, and which one, the file does not say. */
const spelling = /^(?:silverlining:(?:config:)?)?secrets$/;

/**
 * The changes, with what git tells of the values of secrets: each is encrypted by itself, so one that stays is the same text. A value that
 * changes under its version is refused, since reviewers see versions alone. One that was copied from another place, or from an earlier
 * commit, is told: whoever can't read a secret could give it to an app of their own.
 * @throws NotPlanned when the file of the stack can't be read
 */
export function judgeSecretValues(changes: Changes, { root, before, after, plan }: Compared): Changes {
  const file = `stacks/Pulumi.${plan.environment}.yaml`;
  const [one, other] = [read(before, file), read(after, file)];
  if (other === undefined) return changes;
  if (Array.isArray(other))
    throw new NotPlanned(`${file} keeps what can't be compared, or can't be read as it is`, other, {
      environment: plan.environment,
    });
  if (Array.isArray(one))
    return warned(changes, [`${file}: what it kept before can't be read, so whether a secret is another, nobody sees`]);
  const known = one ?? { way: other.way, values: new Map<string, string>() };
  if (known.way !== other.way)
    return warned(changes, [`${file}: values are encrypted in another way: whether one of them is another, nobody sees`]);
  const losses = plan.sites.flatMap((site) =>
    Object.entries(allSecrets(site)).flatMap(([name, version]): Loss[] => {
      const [was, is] = [known, other].map(({ values }) => values.get(secretKey(site.name, name, version)));
      if (was === undefined || is === undefined || was === is) return [];
      const message = `${name} has another value than before, and is version ${version} all the same`;
      const refused = `keep it as a version of its own: silver secret set ${site.name} ${name} -e ${plan.environment}`;
      return [{ subject: "site", name: site.name, data: [], message, refused }];
    }),
  );
  const sites = withLosses(
    "site",
    changes.changes.filter(({ subject }) => subject === "site"),
    losses,
  );
  const order = sites.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const touched = new Set(sites.map(({ name }) => name));
  const nodes = changes.changes.filter(({ subject }) => subject === "node");
  const untouched = changes.untouched.filter((name) => !touched.has(name));
  return warned({ ...changes, changes: [...nodes, ...order], untouched }, copies(root, file, known, other));
}

/** Values that stand under another key or in another file, too, and did not before. */
function copies(root: string, file: string, before: Kept, { values }: Kept): string[] {
  const all = [...before.values, ...values];
  const fresh = [...values].flatMap(([key, value]) => {
    const text = before.values.get(key) === value ? undefined : secureText(JSON.parse(value));
    if (text === undefined) return [];
    return [{ key, text, twin: all.find(([name, same]) => same === value && name !== key)?.[0] }];
  });
  const unknown = fresh.filter(({ twin }) => twin === undefined);
  const earlier = earlierTwins(root, file, new Map(unknown.map(({ text, key }) => [text, key])));
  const told = fresh.flatMap(({ key, text, twin }) => {
    if (twin !== undefined) return [`${file}: ${key} has the value of ${twin}`];
    const other = earlier.twins.get(text);
    if (other === undefined) return [];
    const from = other.file === file ? ", from another commit" : ` of ${other.file}`;
    return [`${file}: ${key} has the value of ${other.key}${from}`];
  });
  return earlier.cut === undefined ? told : [...told, `${file}: ${earlier.cut}`];
}

/** What is encrypted, in the only form of Pulumi's that has one text for the same bytes; undefined: it is of another. */
function secureText(value: unknown): string | undefined {
  if (!isMap(value) || Object.keys(value).join() !== "secure" || typeof value.secure !== "string") return undefined;
  const [, parts = ""] = /^(?:v1:(?=[^:]+:))?(.+)$/s.exec(value.secure) ?? [];
  const isCanonical = (part: string) => part !== "" && Buffer.from(part, "base64").toString("base64") === part;
  return parts.split(":").every(isCanonical) ? value.secure : undefined;
}

function warned(changes: Changes, warnings: readonly string[]): Changes {
  return warnings.length === 0 ? changes : { ...changes, warnings: [...(changes.warnings ?? []), ...warnings] };
}

/** What the file of a stack keeps, or why it can't be read; undefined when there is none. */
function read(root: string, file: string): Kept | Issue[] | undefined {
  if (!existsSync(join(root, file))) return undefined;
  const stacks = realDirectory(root, "stacks");
  if (!("real" in stacks)) return [stacks];
  const bytes = readInside(stacks.real, basename(file), most);
  if (typeof bytes === "string") return [refusalIssue(bytes, file, most)];
  const source = readYaml(bytes.toString(), file);
  const odd = oddIn(source);
  if (source.tree === undefined || odd.length > 0) return [...source.issues, ...odd];
  const { config, encryptionsalt, encryptedkey, secretsprovider } = isMap(source.tree) ? source.tree : {};
  const secrets = isMap(config) && isMap(config[secretsKey]) ? Object.entries(config[secretsKey]) : [];
  return {
    way: JSON.stringify([encryptionsalt, encryptedkey, secretsprovider]),
    values: new Map(secrets.map(([key, value]) => [key, JSON.stringify(value)])),
  };
}

/** What gives secrets, and is not one value below `silverlining:secrets` for each: of that reviewers would see nothing. */
function oddIn(source: Source): Issue[] {
  const { tree } = source;
  if (!isMap(tree)) return [];
  const tops = Object.keys(tree).filter((key) => !topKeys.includes(key));
  const { config } = tree;
  const found = Object.entries(isMap(config) ? config : {}).filter(([key]) => spelling.test(key));
  const fix = `keep each secret below ${secretsKey}, as silver secret set does`;
  const secrets = isMap(config) && isMap(config[secretsKey]) ? Object.entries(config[secretsKey]) : [];
  // Pulumi decrypts base64 with line ends in it, too: a copy would be another text.
  const unlike = secrets.filter(([, value]) => typeof value === "object" && secureText(value) === undefined);
  return [
    ...tops.map((key) =>
      error("unknown-key", source.placeOf([key], "key"), `${quoteName(key)} may bring secrets from elsewhere`, "delete it"),
    ),
    ...unlike.map(([key]) =>
      error(
        "bad-text",
        source.placeOf(["config", secretsKey, key], "value"),
        `${quoteName(key)} is not kept as Pulumi writes it, so nobody could tell a copy`,
        fix,
      ),
    ),
    ...found.flatMap(([key, value]) => {
      if (key !== secretsKey)
        return [
          error("unknown-key", source.placeOf(["config", key], "key"), `${quoteName(key)} is another name of ${secretsKey}`, fix),
        ];
      if (isMap(value) && !Object.hasOwn(value, "secure")) return [];
      return [
        error(
          "wrong-type",
          source.placeOf(["config", key], "value"),
          `${secretsKey} is not a map with a value for each secret`,
          fix,
        ),
      ];
    }),
  ];
}
