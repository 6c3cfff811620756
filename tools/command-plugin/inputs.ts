/** Which inputs a command takes, what the engine's Check makes of them, and their plain form for running. */
import { bare, isMap, isSecret, isUnknown, secret, underMark, type PropertyMap, type Value } from "./values.ts";

/** How to reach a host; after Check the first five are always there. Seconds and counts as the real plugin has them. */
export interface Endpoint {
  host: string;
  user: string;
  port: number;
  /** Failed dials that are retried; -1: without limit. */
  dialErrorLimit: number;
  /** Seconds; 0: no limit. */
  perDialTimeout: number;
  password?: string;
  privateKey?: string;
  privateKeyPassword?: string;
  /** Default: SSH_AUTH_SOCK. */
  agentSocketPath?: string;
  /** Absent: the host is not verified. */
  hostKey?: string;
}

export interface Connection extends Endpoint {
  proxy?: Endpoint;
}

/** A command's inputs, and in a state also what the last run printed. */
export interface CommandInputs {
  create?: string;
  update?: string;
  delete?: string;
  /** `local.run` only. */
  command?: string;
  stdin?: string;
  environment?: Record<string, string>;
  /** stdout, stderr, stdoutAndStderr (default) or none. */
  logging?: string;
  addPreviousOutputInEnv?: boolean;
  stdout?: string;
  stderr?: string;
  /** local.Command only. */
  dir?: string;
  interpreter?: string[];
  /** remote.Command only. */
  connection?: Connection;
}

export const localType = "command:local:Command";
export const remoteType = "command:remote:Command";
/** The function that runs a command at once, and stands in no state. */
export const localRun = "command:local:run";

type Form = "a string" | "a number" | "true or false" | "a list" | "a list of strings" | "a map of strings" | "an endpoint";

/** Common to everything that runs a command. */
const runForms: Record<string, Form> = {
  stdin: "a string",
  environment: "a map of strings",
  logging: "a string",
  addPreviousOutputInEnv: "true or false",
};
const localForms: Record<string, Form> = { ...runForms, dir: "a string", interpreter: "a list of strings" };
const scriptForms: Record<string, Form> = { create: "a string", update: "a string", delete: "a string", triggers: "a list" };
const endpointForms: Record<string, Form> = {
  host: "a string",
  user: "a string",
  port: "a number",
  password: "a string",
  privateKey: "a string",
  privateKeyPassword: "a string",
  agentSocketPath: "a string",
  dialErrorLimit: "a number",
  perDialTimeout: "a number",
  hostKey: "a string",
};
const commandForms: Record<string, Record<string, Form>> = {
  [localType]: { ...localForms, ...scriptForms },
  [remoteType]: { ...runForms, ...scriptForms, connection: "an endpoint" },
};
/** Inputs that only the real plugin has. */
const beyondUs = ["assetPaths", "archivePaths"];
const endpointDefaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
const endpointSecrets = ["password", "privateKey", "privateKeyPassword"];

/**
 * Fills in defaults and marks what is secret, as the real plugin's Check does. `failures` say what is wrong and where, and
 * never a value: for the same reason they are not tied to a property, whose value the engine would print, even a secret.
 */
export function checkInputs(type: string, inputs: PropertyMap): { inputs: PropertyMap; failures: string[] } {
  const shortType = type === localType ? "local.CommandInputs" : "remote.CommandInputs";
  const failures = judgeFields(inputs, commandForms[type] ?? {}, shortType);
  if (type === localType) return { inputs, failures };
  if (inputs.connection === undefined) {
    return { inputs, failures: [...failures, missing("connection", shortType)] };
  }
  return { inputs: { ...inputs, connection: secret(completeEndpoint(inputs.connection)) }, failures };
}

/** What is wrong with the arguments of `local.run`. */
export function checkRun(args: PropertyMap): string[] {
  const type = "local.RunArgs";
  const failures = judgeFields(args, { ...localForms, command: "a string" }, type);
  return args.command === undefined ? [...failures, missing("command", type)] : failures;
}

function completeEndpoint(value: Value): Value {
  return underMark(value, (endpoint) => {
    if (!isMap(endpoint)) return endpoint;
    const complete: PropertyMap = { ...endpointDefaults, ...endpoint };
    for (const name of endpointSecrets) {
      if (complete[name] !== undefined) complete[name] = secret(complete[name]);
    }
    if (complete.proxy !== undefined) complete.proxy = completeEndpoint(complete.proxy);
    return complete;
  });
}

function judgeFields(fields: PropertyMap, forms: Record<string, Form>, type: string): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    const form = forms[name];
    if (form !== undefined) return judgeValue(name, value, form, type);
    if (beyondUs.includes(name)) {
      return [`'${name}' is beyond the stand-in for pulumi-resource-command: it needs the real plugin`];
    }
    return [`Unrecognized field '${name}' on '${type}'`];
  });
}

function judgeValue(name: string, marked: Value, form: Form, type: string): string[] {
  const value = withoutMark(marked);
  if (isUnknown(value)) return [];
  if (form === "an endpoint" && isMap(value)) return judgeEndpoint(name, value);
  return fits(value, form) ? [] : [`Field '${name}' on '${type}' must be ${form}`];
}

function judgeEndpoint(name: string, endpoint: PropertyMap): string[] {
  const isProxy = name === "proxy";
  const type = isProxy ? "remote.ProxyConnection" : "remote.Connection";
  const forms = isProxy ? endpointForms : { ...endpointForms, proxy: "an endpoint" as const };
  const failures = judgeFields(endpoint, forms, type);
  return endpoint.host === undefined ? [...failures, missing("host", type)] : failures;
}

function fits(value: Value, form: Form): boolean {
  const isText = (inner: Value) => typeof withoutMark(inner) === "string";
  switch (form) {
    case "a string":
      return isText(value);
    case "a number":
      return typeof value === "number";
    case "true or false":
      return typeof value === "boolean";
    case "a list":
      return Array.isArray(value);
    case "a list of strings":
      return Array.isArray(value) && value.every(isText);
    case "a map of strings":
      return isMap(value) && Object.values(value).every(isText);
    case "an endpoint":
      return false;
  }
}

const withoutMark = (value: Value): Value => (isSecret(value) ? withoutMark(value.value) : value);

const missing = (field: string, type: string): string => `Missing required field '${field}' on '${type}'`;

/** The plain form of checked inputs, or of a state. Check has judged their types. */
export const plainInputs = (inputs: PropertyMap): CommandInputs => bare(inputs) as unknown as CommandInputs;
