import { domainToASCII } from "node:url";
import { z } from "zod";
import { field, text, type FieldRule } from "./fields.ts";

/**
 * Name of an app, site, node or service: it becomes a Unix user, a database role, a directory and a unit.
 * @param explain what there is to say of names that are wrong for a reason of their own
 */
export function name(explain?: FieldRule["explain"]) {
  return text(/^[a-z][a-z0-9-]{0,23}$/, {
    code: "bad-name",
    must: "a name: a lower-case letter, then at most 23 lower-case letters, digits or hyphens",
    example: "my-blog",
    explain: (value) => explain?.(value) ?? suggestName(value),
  });
}

/** The right name that is most like a wrong one. */
function suggestName(value: unknown): { fix: string } | undefined {
  if (typeof value !== "string") return undefined;
  const letters = value.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const near = /^[a-z][a-z0-9-]{0,23}/.exec(letters.replace(/[^a-z0-9]+/g, "-"))?.[0].replace(/-$/, "");
  return near === undefined || near === value ? undefined : { fix: `write for example ${near}` };
}

const NUMBER = "(?:0|[1-9][0-9]{0,8})";
const PRE_RELEASE = "(?:0|[1-9][0-9]{0,8}|[0-9]*[A-Za-z-][0-9A-Za-z-]*)";
const SEMVER = `${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${PRE_RELEASE}(?:\\.${PRE_RELEASE})*)?`;
const DATE = "(?:19[7-9][0-9]|2[0-9]{3})(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])";
const TIME = "(?:[01][0-9]|2[0-3])[0-5][0-9](?:[0-5][0-9])?";
const TIMESTAMP = `${DATE}(?:${TIME})?(?:_[0-9]{1,9})?`;

/** Semver without build metadata, or a timestamp. It stands in ids, file names and unit names: at most 64 characters. */
export function version() {
  return text(new RegExp(`^(?=.{1,64}$)(?:${SEMVER}|${TIMESTAMP})$`), {
    code: "bad-version",
    must: "semver without build metadata (1.5.0), or a timestamp (20261121_001)",
    example: "1.5.0",
    explain: (value) => {
      const numbers = /^[v=]?([0-9]{1,7}(?:\.[0-9]{1,7}){0,2})$/.exec(String(value).trim())?.[1];
      if (typeof value === "number") {
        const text = numbers === undefined ? String(value) : padVersion(numbers);
        return { must: "a text, and without quotes it is read as a number", fix: `put it in quotes: "${text}"` };
      }
      if (numbers !== undefined) return { fix: `write ${padVersion(numbers)}` };
      return String(value).includes("+")
        ? { fix: `leave out the build metadata: ${String(value).replace(/\+.*/, "")}` }
        : undefined;
    },
  });
}

/** `1.10` → `1.10.0`, `01.2` → `1.2.0`. */
const padVersion = (numbers: string) => [...numbers.split(".").map(Number), 0, 0].slice(0, 3).join(".");

const SEGMENT = "[A-Za-z0-9_.+][A-Za-z0-9_.+-]*";
const PATH = `(?!(?:.*/)?\\.{1,2}(?:/|$))${SEGMENT}(?:/${SEGMENT})*`;

/** A path inside a directory, in letters that no shell, Apache file or unit reads otherwise. */
export function path(what: Directory, example?: string) {
  return text(new RegExp(`^${PATH}$`), { ...pathRule(what), ...(example === undefined ? {} : { example }) });
}

type Directory = "the app's directory" | "the project";

function pathRule(what: Directory) {
  return {
    code: "bad-path",
    must: `a path inside ${what}, of letters, digits, _ . + - and /`,
    example: what === "the project" ? "apps/blog" : "src/wsgi.py",
    explain: (value: unknown) => {
      if (typeof value !== "string") return undefined;
      if (leadsOut(value)) {
        const must = `a path inside ${what}, and this one leads out of it`;
        return { code: "leads-out" as const, must, fix: `move the file into ${what}, and write its path from there` };
      }
      const tidy = value
        .replace(/^(?:\.\/+)+/, "")
        .replace(/\/+$/, "")
        .replace(/\/{2,}/g, "/");
      return tidy !== value && new RegExp(`^${PATH}$`).test(tidy) ? { fix: `write ${tidy}` } : undefined;
    },
  } satisfies FieldRule;
}

/** Path of the runner: a file of Python or PHP. */
export function runner() {
  const rule = pathRule("the app's directory");
  return text(new RegExp(`^(?=.*\\.(?:py|php)$)${PATH}$`), {
    ...rule,
    must: "the path of a Python or PHP file inside the app's directory",
    explain: (value) => {
      if (typeof value === "string" && /\.ini(?:#|$)|\.py#/.test(value)) {
        return {
          code: "not-yet",
          must: "a Python file; such runners are not built yet",
          fix: "write a Python file that defines application",
        };
      }
      return rule.explain(value);
    },
  });
}

const DOTTED = "[A-Za-z_][A-Za-z0-9_]*(?:\\.[A-Za-z_][A-Za-z0-9_]*)*";

/** What checks a configuration: a script of the app by its path, or a function of one of its modules. */
export function checker() {
  const rule = pathRule("the app's directory");
  return text(new RegExp(`^(?=.{1,200}$)(?:${DOTTED}:${DOTTED}|${PATH})$`), {
    ...rule,
    must: "a script inside the app's directory, or module:function",
    example: "bin/check-config",
    explain: (value) => {
      if (typeof value === "string" && /[ \t]/.test(value))
        return { fix: "leave out the arguments: it is called with the directory" };
      return rule.explain(value);
    },
  });
}

const leadsOut = (path: string) => /^[/\\~]|^[A-Za-z]:/.test(path) || path.split(/[/\\]/).includes("..");

/** A program of the app and its arguments, as words: no shell reads them. */
export function command() {
  return text(new RegExp(`^${PATH}(?: +[A-Za-z0-9_.,:=@%/+-]+)*$`), {
    code: "bad-command",
    must: "a program inside the app's directory, then plain words (no shell reads them)",
    example: "bin/migrate",
    explain: (value) => {
      const program = String(value).split(" ")[0] ?? "";
      if (leadsOut(program)) {
        const must = "a program inside the app's directory, and this one leads out of it";
        return { code: "leads-out", must, fix: "give a program of the app by its path, e.g. bin/migrate" };
      }
      return /[|&;<>$`"'*?\\]/.test(String(value)) ? { fix: "put what needs a shell into a script under bin/" } : undefined;
    },
  });
}

const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const URL_SEGMENT = "/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+";

/** `host[/path]`, `.example.com[/path]` or `*[/path]`; the host becomes lower case, a slash at the end goes. */
export function location() {
  const pattern = new RegExp(`^(?:\\*|\\.?${LABEL}(?:\\.${LABEL})*)(?:${URL_SEGMENT})*/?$`);
  const schema = z.string().max(500).regex(pattern).transform(tidyLocation);
  return field(schema, {
    code: "bad-location",
    must: "a location: host[/path], .example.com[/path] or *[/path]",
    example: "blog.acme.net",
    explain: (value) => {
      const [, scheme, host = "", port, rest = ""] = /^([a-z]+:\/\/)?([^/:]+)(:[0-9]+)?(\/.*)?$/i.exec(String(value)) ?? [];
      if (scheme !== undefined) return { fix: `leave out the scheme: ${host}${rest.replace(/\/$/, "")}` };
      if (port !== undefined) return { fix: `leave out the port: ${host}${rest.replace(/\/$/, "")}` };
      if (host.startsWith("*.")) return { fix: `write ${host.slice(1)}${rest}: the host and all below it` };
      const ascii = domainToASCII(host);
      return ascii !== "" && ascii !== host.toLowerCase() ? { fix: `write the host as browsers send it: ${ascii}` } : undefined;
    },
  });
}

function tidyLocation(text: string): string {
  const [host = "", ...path] = text.split("/");
  return [host.toLowerCase(), ...path.filter((segment) => segment !== "")].join("/");
}

/** A path of a URL, below the site's location. */
export function urlPath() {
  return text(/^\/[!-~]{0,500}$/, {
    code: "bad-text",
    must: "a path that begins with /, without spaces",
    example: "/health",
    explain: (value) => (/^[!-.0-9;-~][!-9;-~]*$/.test(String(value)) ? { fix: `write /${String(value)}` } : undefined),
  });
}

/** Name of a Debian package. */
export function packageName() {
  return text(/^[a-z0-9][a-z0-9+.-]{1,63}$/, {
    code: "bad-package",
    must: "the name of a Debian package: lower-case letters, digits, + . and -",
    example: "libjpeg62-turbo",
    explain: (value) => {
      const bare = /^([a-z0-9][a-z0-9+.-]+)[=:/]/.exec(String(value))?.[1];
      if (bare !== undefined) return { fix: `write ${bare}: the node's distribution decides on version and architecture` };
      return /^[a-z0-9+.-]+(?:[ ,]+[a-z0-9+.-]+)+$/.test(String(value))
        ? { fix: "write each package as a value of its own" }
        : undefined;
    },
  });
}

/** Name of a variable in os.environ, apart from those that the platform sets. */
export function variable() {
  return text(/^(?!SILVER_|CONFIG_|TEMP$|STATIC_URL$)[A-Z][A-Z0-9_]{0,63}$/, {
    code: "bad-variable",
    must: "the name of a variable: an upper-case letter, then upper-case letters, digits or _",
    example: "SIGNUPS",
    explain: (value) => {
      if (/^(?:SILVER_|CONFIG_|TEMP$|STATIC_URL$)/.test(String(value))) {
        return {
          must: "the name of a variable that the platform does not set itself",
          fix: "choose a name that is not TEMP or STATIC_URL, and does not begin with SILVER_ or CONFIG_",
        };
      }
      const near = String(value)
        .toUpperCase()
        .replace(/[^A-Z0-9_]+/g, "_");
      return /^[A-Z]/.test(near) && near !== value ? { fix: `write ${near}` } : undefined;
    },
  });
}

/** Value of a variable. A number is taken as it is written; a switch is refused, for nobody knows how the app spells it. */
export function variableValue() {
  // os.environ holds no NUL; other control characters are mistakes.
  const word = z
    .string()
    .regex(/^(?:[^\p{Cc}]|[\n\t])*$/u)
    .max(32_768);
  return field(z.union([word, z.number().transform(String)]), {
    code: "bad-text",
    must: "a text without control characters, of at most 32768 characters",
    example: '"on"',
    isHidden: true,
    explain: (value) => {
      if (typeof value === "boolean")
        return { code: "ambiguous-text", must: "a text", fix: `put it in quotes: "${String(value)}"` };
      if (typeof value !== "object" || value === null) return undefined;
      return "secret" in value
        ? { must: "a text", fix: "declare it under config.required; the environment names the version of a secret" }
        : { must: "a text", fix: "write it as one text, which the app takes apart" };
    },
  });
}

/** A line that a person reads, or that is looked for in a text. `least` is its shortest length. */
export function line(least = 0, example = "from stripe.com/keys") {
  return text(new RegExp(`^[^\\p{Cc}]{${least},500}$`, "u"), {
    code: "bad-text",
    must: `one line of text, of ${least} to 500 characters`,
    example,
    explain: (value) =>
      typeof value === "number" || typeof value === "boolean"
        ? { must: "a text", fix: `put it in quotes: "${String(value)}"` }
        : undefined,
  });
}

/** Name or IP address of a machine. */
export function hostName() {
  return text(new RegExp(`^(?:${LABEL}(?:\\.${LABEL})*|[0-9a-fA-F:]*:[0-9a-fA-F:.]*)$`), {
    code: "bad-host",
    must: "a host name or an IP address, without user, port or path",
    example: "10.0.1.11",
    explain: (value) => {
      const [, user, host, port] = /^(?:([^@]+)@)?([A-Za-z0-9.-]+)(?::([0-9]+))?$/.exec(String(value)) ?? [];
      if (host === undefined || (user ?? port) === undefined) return undefined;
      return {
        fix: `write host: ${host}${user === undefined ? "" : `, and ssh: {user: ${user}}`}${port === undefined ? "" : `, and port: ${port}`}`,
      };
    },
  });
}

/** A public host key: type and base64. */
export function hostKey() {
  return text(/^(?:ssh-(?:ed25519|rsa)|ecdsa-sha2-nistp(?:256|384|521)) [A-Za-z0-9+/]{8,2000}={0,3}$/, {
    code: "bad-host-key",
    must: "a public host key: its type and its base64, with one blank between",
    example: "ssh-ed25519 AAAA…",
    explain: (value) => {
      const key = /(?:ssh|ecdsa)-\S+ +[A-Za-z0-9+/=]+/.exec(String(value))?.[0];
      return key === undefined
        ? { fix: "take it from /etc/ssh/ssh_host_ed25519_key.pub on the node" }
        : { fix: `write the type and the base64 only: ${key.replace(/ +/, " ").slice(0, 24)}…` };
    },
  });
}
