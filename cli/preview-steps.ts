import { z } from "zod";
import { changed, lists, maps, secretText } from "../components/plan/changes-site.ts";
import { releaseNotes, withLosses, withUrls, type Change, type Changes } from "../components/plan/changes.ts";
import { droppedFrom, judgeLosses, servicesIn, standingOfCommands, type Standing } from "../components/plan/losses.ts";
import { PROTECTION } from "../components/rollout/protection.ts";
import type { Plan } from "../components/plan/plan.ts";
import type { Detail } from "../components/plan/changes-site.ts";

const state = z.object({ type: z.string(), inputs: z.exactOptional(z.record(z.string(), z.unknown())) });
const step = z.object({
  op: z.string(),
  urn: z.string(),
  oldState: z.exactOptional(state),
  newState: z.exactOptional(state),
  detailedDiff: z.nullish(z.record(z.string(), z.unknown())),
});

/** The part of `pulumi preview --json` that is read. */
export const previewSchema = z.object({
  steps: z.array(step).default([]),
  diagnostics: z.array(z.object({ message: z.string(), severity: z.string() })).default([]),
});
export type Preview = z.infer<typeof previewSchema>;

/** One command that runs. */
interface Command {
  name: string;
  op: "create" | "update" | "delete" | "replace";
  /** Its plain inputs, before and after: what reviewers may see. */
  old: Facts;
  now: Facts;
  /** Other inputs that differ, by name: their values are hidden. */
  hidden: string[];
}

/** The facts of a command: the variables of a local one, and the comment lines at the head of a script. */
interface Facts {
  variables: Record<string, string>;
  lines: string[];
}

/** What else is known about the previewed change. */
export interface Background {
  environment: string;
  /** The changes by git; undefined when there is nothing to compare with. */
  planned?: Changes;
  /** What is declared. Absent: nothing of it is told besides what the preview shows. */
  plan?: Plan;
  /** Addresses of the machines that the project made, by node. Default: none is known. */
  addresses?: Readonly<Record<string, string>>;
  /** Names of all declared sites that are not broken. */
  sites: readonly string[];
  broken: Changes["broken"];
  /** Files of the program that changed. */
  program: readonly string[];
}

/** The changes in a preview, each with its explanation. Pure. */
export function previewChanges(preview: Preview, background: Background): Changes {
  const { environment, plan, planned, addresses = {}, sites, broken, program } = background;
  const stays = new Set(broken.map(({ name }) => `${name}-rollout`));
  const commands = commandsOf(preview).filter(({ name }) => !stays.has(name));
  const replaced = new Map(
    commands.flatMap(({ name, op }) =>
      name.endsWith("-machine") && op === "replace" ? [[name.replace(/-machine$/, ""), true]] : [],
    ),
  );
  // A node and a site may have one name.
  const byOwner = Map.groupBy(commands, ({ name }) => name.replace(/-(machine|state)$/, "-node"));
  const told = [...byOwner].map(([key, own]) => {
    const owner = key.replace(/-(node|rollout)$/, "");
    const rollout = own.find(({ name }) => name.endsWith("-rollout"));
    const subject = rollout === undefined ? "node" : "site";
    const known = planned?.changes.find((change) => change.name === owner && change.subject === subject);
    const change = rollout === undefined ? nodeChange(owner, own) : siteChange(owner, rollout);
    const nodes = (rollout?.now.variables.nodes ?? "").split(" ").filter((node) => replaced.has(node));
    // New to git, but already running: its initial facts from git are not a change.
    const isAhead = known?.kind === "added" && change.kind === "changed";
    const why = [
      ...nodes.map((node) => `${node} is replaced`),
      ...(known?.why ?? []),
      ...(isAhead ? ["new on this branch, and deployed already"] : []),
    ];
    const details = [...change.details, ...(isAhead ? [] : without(known?.details ?? [], change.details))];
    const unknown = change.kind === "changed" && details.length === 0 && why.length === 0;
    return {
      ...change,
      details,
      why: unknown && program.length > 0 ? [`the program changed: ${some(program)}`] : [...new Set(why)],
      data: [...new Set([...change.data, ...(known?.data ?? [])])],
    };
  });
  const [before, after] = standings(preview);
  const circumstances = { isProtected: plan?.isProtected === true, broken: broken.map(({ name }) => name) };
  // Git may know of more, and the preview of what git does not: what was deployed last.
  const losses = [
    ...judgeLosses(before, after, circumstances),
    ...(planned?.changes ?? []).flatMap((change) => change.losses ?? []),
  ];
  const each = [...new Map(losses.map((loss) => [loss.message, loss])).values()];
  const changes = (["node", "site"] as const).flatMap((subject) =>
    withLosses(
      subject,
      told.filter((change) => change.subject === subject),
      each,
    ),
  );
  const touched = new Set(changes.flatMap(({ subject, name }) => (subject === "site" ? [name] : [])));
  const order = changes.toSorted((one, other) =>
    one.subject === other.subject ? (one.name < other.name ? -1 : 1) : one.subject === "node" ? -1 : 1,
  );
  // A machine that is made anew may get another address.
  const fresh = new Set(changes.flatMap(({ subject, name, kind }) => (subject === "node" && kind !== "changed" ? [name] : [])));
  const known = Object.fromEntries(Object.entries(addresses).filter(([node]) => !fresh.has(node)));
  const located = plan === undefined ? order : order.map((change) => withUrls(change, plan, known));
  return { environment, changes: located, untouched: sites.filter((name) => !touched.has(name)).toSorted(), broken };
}

/** Where sites and their data are, before and after. */
function standings({ steps }: Preview): [Standing, Standing] {
  const side = (which: "oldState" | "newState") =>
    standingOfCommands(
      steps.flatMap((step) => {
        const state = step[which];
        if (state?.type !== "command:local:Command") return [];
        return [{ name: nameIn(step.urn), variables: factsOf(state.inputs).variables }];
      }),
    );
  return [side("oldState"), side("newState")];
}

const nameIn = (urn: string): string => urn.split("::").at(-1) ?? urn;

/** The diff of each command that runs: plain facts before and after, anything else only by name. */
export function previewDiff(preview: Preview): string[] {
  return commandsOf(preview).flatMap(({ name, op, old, now, hidden }) => {
    const shown = [
      ...maps("", old.variables, now.variables).map((detail) => ({ ...detail, name: `${detail.name ?? ""}: ` })),
      ...lists("", old.lines, now.lines).map((detail) => ({ ...detail, name: "" })),
    ];
    return [
      `@@ ${op} ${name} @@`,
      ...shown.flatMap(({ name: key, from, to }) => [
        ...(from === undefined ? [] : [`- ${key}${oneLine(from)}`]),
        ...(to === undefined ? [] : [`+ ${key}${oneLine(to)}`]),
      ]),
      ...hidden.map((path) => `  ${path} (hidden)`),
    ];
  });
}

/** Nodes first, each kind by name: the engine's own order is random, and a comment edited in place must keep its order. */
function commandsOf({ steps }: Preview): Command[] {
  const runs = steps.filter(({ op, urn, oldState, newState }) => {
    const { type = "" } = newState ?? oldState ?? {};
    // What holds a protected environment together runs nothing on any node.
    return type.startsWith("command:") && nameIn(urn) !== PROTECTION && !["same", "read", "refresh"].includes(op);
  });
  // A replacement is reported as several steps.
  const commands = [...Map.groupBy(runs, ({ urn }) => urn)].map(([urn, own]): Command => {
    const ops = own.map(({ op }) => op);
    const old = own.find(({ oldState }) => oldState !== undefined)?.oldState;
    const now = own.find(({ newState }) => newState !== undefined)?.newState;
    const paths = own.flatMap(({ detailedDiff }) => Object.keys(detailedDiff ?? {}));
    const hidden = [...new Set(paths.map((path) => /^\w+/.exec(path)?.[0] ?? path))].filter((path) => path !== "environment");
    return {
      name: nameIn(urn),
      op: ops.some((op) => op.includes("replace"))
        ? "replace"
        : ops.includes("create")
          ? "create"
          : ops.includes("delete")
            ? "delete"
            : "update",
      old: factsOf(old?.inputs),
      now: factsOf(ops.every((op) => op === "delete") ? undefined : now?.inputs),
      hidden,
    };
  });
  const rank = ({ name }: Command) => `${name.endsWith("-rollout") ? 1 : 0} ${name}`;
  return commands.toSorted((one, other) => (rank(one) < rank(other) ? -1 : 1));
}

function factsOf(inputs: Record<string, unknown> = {}): Facts {
  const { environment, create } = inputs;
  const entries = typeof environment === "object" && environment !== null ? Object.entries(environment) : [];
  const lines = typeof create === "string" ? create.split("\n").filter((line) => line.startsWith("# ")) : [];
  return {
    variables: Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string")),
    lines: lines.map((line) => line.slice(2)),
  };
}

function siteChange(name: string, { op, old: { variables: old }, now: { variables: now } }: Command): Change {
  const base: Change = {
    subject: "site",
    name,
    kind: "changed",
    notes: [],
    details: [],
    why: [],
    data: [],
    runs: [`${name}-rollout`],
  };
  const dropped = droppedFrom(servicesIn(old), op === "delete" ? [] : servicesIn(now)).map((service) => service.name);
  if (op === "delete") return { ...base, kind: "removed", from: old.release ?? "", data: dropped };
  const details = [
    ...(op === "create" ? [] : changed("version", old.version, now.version)),
    ...lists("on", words(old.nodes), words(now.nodes)),
    ...lists("locations", words(old.locations), words(now.locations)),
    ...lists("packages", words(old.packages), words(now.packages)),
    ...lists("debs", parts(old.debs), parts(now.debs)),
    ...(op === "create" ? [] : changed("processes", old.processes, now.processes)),
    ...maps("config", configOf(old), configOf(now)),
    ...changed("config_dir", old.configDirectory, now.configDirectory),
    ...maps("services", prefixed(old, "service_"), prefixed(now, "service_")),
    ...changed("works on", old.works_on, now.works_on),
    ...maps("workers", prefixed(old, "worker_"), prefixed(now, "worker_")),
    ...maps("cron", prefixed(old, "job_"), prefixed(now, "job_")),
  ];
  const { release: to = "" } = now;
  if (op === "create") return { ...base, kind: "added", to, details };
  const { release: from = "" } = old;
  const notes = releaseNotes({ ...old, release: from }, { ...now, release: to });
  return { ...base, from, to, notes, details, data: dropped };
}

function configOf(variables: Record<string, string>): Record<string, string> {
  const quoted = Object.entries(prefixed(variables, "config_")).map(([name, value]) => [name, JSON.stringify(value)]);
  const secrets = Object.entries(prefixed(variables, "secret_")).map(([name, text]) => [
    name,
    secretText(text.replace(/^version /, "")),
  ]);
  return Object.fromEntries([...quoted, ...secrets]) as Record<string, string>;
}

function nodeChange(name: string, commands: Command[]): Change {
  const machine = commands.find((command) => command.name.endsWith("-machine"));
  const [old, now] = (["old", "now"] as const).map((side) => ({
    variables: Object.assign({}, ...commands.map((command) => command[side].variables)) as Record<string, string>,
    lines: commands.flatMap((command) => command[side].lines),
  }));
  const all = commands.map(({ op }) => op);
  const differs = (fact: string) => machine?.old.variables[fact] !== machine?.now.variables[fact];
  const kind =
    machine === undefined || machine.op === "update"
      ? differs("hostKey") || differs("os")
        ? "replaced"
        : "changed"
      : ({ create: "added", delete: "removed", replace: "replaced" } as const)[machine.op];
  const [from, to] = [old, now].map((facts) => facts?.variables.os ?? systemIn(facts?.lines ?? []));
  // The head of a script that is unknown until its machine exists has no lines to compare.
  const known = (now?.lines.length ?? 0) > 0 || all.includes("delete");
  const details = [
    ...maps("machine", reachedBy(old?.variables), reachedBy(now?.variables)),
    ...(known ? ["packages", "sites"].flatMap((key) => lists(key, words(valueOf(old, key)), words(valueOf(now, key)))) : []),
    ...(known ? changed("memory", valueOf(old, "memory"), valueOf(now, "memory")) : []),
    ...(known ? lists("trust_proxies", valuesOf(old, "trusts"), valuesOf(now, "trusts")) : []),
    ...(known ? changed("https", valueOf(old, "https"), valueOf(now, "https")) : []),
    ...(known ? lists("apt", valuesOf(old, "apt"), valuesOf(now, "apt")) : []),
    ...(known ? lists("route", valuesOf(old, "route"), valuesOf(now, "route")) : []),
    ...(known && kind === "changed" ? changed("agent", valueOf(old, "agent"), valueOf(now, "agent")) : []),
  ];
  return {
    subject: "node",
    name,
    kind,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    notes: [],
    details: kind === "removed" ? [] : details,
    why: [],
    data: [],
    runs: commands.map((command) => command.name),
  };
}

/** How to reach a machine: its system and its https are shown separately, and the environment's own name tells nothing. */
function reachedBy(variables: Record<string, string> = {}): Record<string, string> {
  const others = ["os", "owner", "authority"];
  return Object.fromEntries(Object.entries(variables).filter(([name]) => !others.includes(name)));
}

const valuesOf = (facts: Facts | undefined, key: string): string[] =>
  (facts?.lines ?? []).filter((line) => line.startsWith(`${key}: `)).map((line) => line.slice(key.length + 2));
const valueOf = (facts: Facts | undefined, key: string): string | undefined => valuesOf(facts, key)[0];
const parts = (text = ""): string[] => text.split(", ").filter((part) => part !== "");
const words = (text = ""): string[] => text.split(" ").filter((word) => word !== "");

/** The system in `node: web1 (debian-12)`. */
function systemIn(lines: readonly string[]): string | undefined {
  return lines.flatMap((line) => /^node: .*\((.*)\)$/.exec(line)?.[1] ?? [])[0];
}

function prefixed(variables: Record<string, string>, prefix: string): Record<string, string> {
  const found = Object.entries(variables).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

/** Changes in git that the preview lacks: of processes it tells how many there are, and nothing else. */
function without(details: readonly Detail[], told: readonly Detail[]): Detail[] {
  const topics = new Set(told.map(({ about }) => about));
  const isTold = ({ about, name = "" }: Detail) =>
    topics.has(about) && (about !== "processes" || ["count", "threads"].includes(name));
  return details.filter((detail) => !isTold(detail) && detail.about !== "variables");
}

function some(files: readonly string[]): string {
  const most = 3;
  return `${files.slice(0, most).join(", ")}${files.length > most ? ` and ${files.length - most} more` : ""}`;
}

function oneLine(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
