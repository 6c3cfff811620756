import { z } from "zod";

/**
 * Texts sent to a node. Names end up in paths, unit names and command lines: nothing with a special meaning there is allowed.
 * The agent reads the same patterns as JSON Schema, so they use only what JavaScript and Python read alike: no `.`,
 * no `\d`, no lookahead.
 * @param inner pattern of the whole text
 * @param what completes "should be …"
 */
const form = (inner: string, what: string) =>
  z
    .string()
    .regex(new RegExp(`^(?:${inner})$`))
    .describe(what);

/** Any text: a file's content, a value. No program on a node accepts a NUL. */
export const anyText = form("[^\\0]*", "text without NUL characters");

const SITE = "[a-z][a-z0-9-]{0,23}";
export const siteName = form(SITE, "a site name");
export const serviceName = form("[a-z][a-z0-9_-]{0,23}", "a service's name");
export const siteUser = form(`site-${SITE}`, "a site's user");

const BUNDLE = "(?:[A-Za-z0-9][A-Za-z0-9._-]*-)?[0-9a-f]{8}";
export const bundleId = form(BUNDLE, "a bundle id");
export const releaseId = form(`${BUNDLE}\\.[0-9a-f]{8}`, "a release id");
export const digest = form("[0-9a-f]{64}", "a SHA-256 in hex");

export const unitName = form("[A-Za-z0-9@_.-]+\\.(?:service|timer|socket|target|path)", "a systemd unit");
/** A name of an app's, and a number behind it. */
export const ownUnitName = form("[a-z][a-z0-9-]{0,26}", "a name that tells units of one role apart");
export const packageName = form("[a-z0-9][a-z0-9+.-]+(?::[a-z0-9]+)?", "an apt package");
const NAME = "[A-Za-z0-9_.-]+";
export const environmentFullName = form(`${NAME}(?:/${NAME}){1,2}`, "an environment's name with its project");
export const variableName = form("[A-Za-z_][A-Za-z0-9_]*", "a variable's name");
export const pythonVersion = form("3\\.[0-9]+(?:\\.[0-9]+)?", "a version of Python 3");
export const pythonPlatform = form("[a-z0-9_-]+", "a platform of Python wheels");
export const octalMode = form("0[0-7]{3}", "an octal mode such as 0644");

/** A segment of a path, other than empty, `.` or `..`. */
const SEGMENT = "(?:[^./\\0][^/\\0]*|\\.[^./\\0][^/\\0]*|\\.\\.[^/\\0]+)";
export const absolutePath = form(`(?:/${SEGMENT})+`, "a plain absolute path");
export const innerPath = form(`${SEGMENT}(?:/${SEGMENT})*`, "a path that stays inside its directory");

/** `blog.acme.net`, or `.acme.net` for all hosts below it and itself. */
export const certificateHost = form("\\.?[a-z0-9-]+(?:\\.[a-z0-9-]+)*", "a host name");

/** A whole number: a count or a process id. */
export const count = z.int().min(0);
/** A time span. */
export const seconds = z.number().min(0);
