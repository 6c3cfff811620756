import { REQUIREMENTS_FILE, type Requirements } from "../bundle/requirements.ts";
import { targetText } from "../plan/libraries.ts";
import type { PythonTarget } from "../systems/python-target.ts";
import type { FailureDetails } from "./failure.ts";

/**
 * Explains why uv could not make a wheel set: package, version, platform, nodes. Never names the index's address, which may
 * contain a password.
 * @param stderr what uv wrote
 */
export function explainUv(
  stderr: string,
  requirements: Requirements,
  target: PythonTarget,
  where: { app: string; nodes: readonly string[] },
): FailureDetails {
  const file = `${where.app}/${REQUIREMENTS_FILE}`;
  const details = { step: "libraries", code: "library" } as const;
  const fitting = `${targetText(target)} (${where.nodes.join(", ")})`;
  const text = stderr.replace(/\s+/g, " ");
  const missing = /no trusted hash was provided for: `?([^`\s]+)/.exec(text)?.[1];
  if (missing !== undefined) {
    const message = `${missing} is needed by a library of ${file} for ${fitting}, and is not in it`;
    return { ...details, message, fix: "generate the file for the Python of all its nodes: silver lock APP" };
  }
  const altered = /Hash mismatch for `([^`]+)`/.exec(text)?.[1];
  if (altered !== undefined) {
    const message = `the file of ${altered} that the package index has for ${fitting} matches no hash in ${file}`;
    return { ...details, message, fix: "generate the file again; if it was right, find out who changed the index" };
  }
  const bare = /Because (?:only )?(\S+?)==(\S+) has no (?:usable )?wheels/.exec(text);
  if (bare !== null) {
    const message = `${bare[1] ?? ""} ${bare[2] ?? ""} has no wheel for ${fitting}, which ${file} asks for`;
    return { ...details, message, fix: "pin a version that has one, or take the library from apt (packages) or lib/python" };
  }
  const unknown = /there is no version of (\S+?)==(\S+?)[ ,.]/.exec(text) ?? /Because (\S+) was not found in the/.exec(text);
  if (unknown !== null) {
    const message = `the package index has no ${unknown[1] ?? ""} ${unknown[2] ?? ""}`.trimEnd() + `, which ${file} asks for`;
    return { ...details, message, fix: "correct the name and version" };
  }
  if (
    /Failed to fetch|error sending request|dns error|Connection refused|timed out|status code|Could not connect|offline/i.test(
      text,
    )
  ) {
    const message = `could not get the libraries of ${file} from the package index: ${reasonOf(text)}`;
    return { ...details, message, fix: "check that this machine reaches its package index (docs/libraries.md)" };
  }
  const named = requirements.list.filter(({ name }) =>
    new RegExp(`(?:^|[^\\w-])${name.replaceAll(".", "\\.")}(?:[^\\w-]|$)`).test(text),
  );
  const message = `the libraries of ${file} conflict for ${fitting}${named.length === 0 ? "" : `: ${named.map(({ name, version }) => `${name} ${version}`).join(", ")}`}`;
  return { ...details, message, fix: "generate the file again for that Python", log: sayings(stderr) };
}

/** Why the download failed, briefly and without an address. */
function reasonOf(text: string): string {
  const status = /\b([45]\d\d) [A-Z][A-Za-z ]+|status code \(?(\d{3})/.exec(text);
  if (status !== null) return `it answered ${status[1] ?? status[2] ?? ""}`;
  if (/dns error|resolve|lookup/i.test(text)) return "its name can't be resolved here";
  if (/Connection refused/i.test(text)) return "connection refused";
  if (/certificate|tls|ssl/i.test(text)) return "its certificate is not trusted here";
  return /timed? ?out/i.test(text) ? "no answer in time" : "no connection";
}

/** uv's own message, without addresses. */
function sayings(stderr: string): string[] {
  return stderr
    .split("\n")
    .map((line) => line.replace(/\S+:\/\/\S+/g, "[address]").trimEnd())
    .filter((line) => line.trim() !== "")
    .slice(0, 20);
}
