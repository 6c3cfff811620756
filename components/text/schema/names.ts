import { domainToASCII } from "node:url";
import { z } from "zod";
import { field, text, type FieldRule } from "./fields.ts";

/**
 * Name of an app, site or node: it becomes a Unix user, a database role, a directory and a unit.
 * @param explain the message for names that are wrong for a special reason
 */
export function name(explain?: FieldRule["explain"]) {
  return text(/^[a-z][a-z0-9-]{0,23}$/, {
    code: "bad-name",
    must: "a name: a lower-case letter, then at most 23 lower-case letters, digits or hyphens",
    example: "my-blog",
    explain: (value) => explain?.(value) ?? suggestName(value),
  });
}

/** Name of a service: becomes part of variables, so that a hyphen and _ are one. */
export function serviceKey(explain?: FieldRule["explain"]) {
  return text(/^[a-z][a-z0-9_-]{0,23}$/, {
    code: "bad-name",
    must: "a name: a lower-case letter, then at most 23 lower-case letters, digits, hyphens or _",
    example: "db",
    explain: (value) => explain?.(value) ?? suggestName(value),
  });
}

/** A service's name in the names of its variables: `my-db` in CONFIG_MY_DB_URL. */
export const variablePart = (service: string): string => service.replaceAll("-", "_").toUpperCase();

/** The valid name closest to a wrong one. */
function suggestName(value: unknown): { fix: string } | undefined {
  if (typeof value !== "string") return undefined;
  const letters = value.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const near = /^[a-z][a-z0-9-]{0,23}/.exec(letters.replace(/[^a-z0-9]+/g, "-"))?.[0].replace(/-$/, "");
  return near === undefined || near === value ? undefined : { fix: `write for example ${near}` };
}

/** One label of a host name, as a pattern. */
export const LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const URL_SEGMENT = "/(?!\\.{1,2}(?:/|$))[A-Za-z0-9._~-]+";

/** `host[/path]`, `.example.com[/path]` or `*[/path]`; the host is lower-cased, a trailing slash removed. */
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

/** Value of a variable. A number is kept as written; a boolean is refused, because we don't know how the app spells it. */
export function variableValue() {
  // os.environ can't hold NUL; other control characters, and what only some programs end lines at, are mistakes.
  const word = z
    .string()
    .regex(/^(?:[^\p{Cc}\p{Zl}\p{Zp}]|[\n\t])*$/u)
    .max(32_768);
  return field(z.union([word, z.number().transform(String)]), {
    code: "bad-text",
    must: "a text without control characters, U+2028 or U+2029, of at most 32768 characters",
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

/** A line for a person to read, or to find in a text. `least` is its shortest length. */
export function line(least = 0, example = "from stripe.com/keys") {
  return text(new RegExp(`^[^\\p{Cc}\\p{Zl}\\p{Zp}]{${least},500}$`, "u"), {
    code: "bad-text",
    must: `one line of text, of ${least} to 500 characters`,
    example,
    explain: (value) =>
      typeof value === "number" || typeof value === "boolean"
        ? { must: "a text", fix: `put it in quotes: "${String(value)}"` }
        : undefined,
  });
}
