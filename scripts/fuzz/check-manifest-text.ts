import { codes } from "../docs/codes.ts";
import { renderIssues } from "../../components/text/code-frame.ts";
import { isError, type Issue, type Parsed } from "../../components/text/issue.ts";
import type { Manifest } from "../../components/manifest/manifest.ts";
import { parseManifest } from "../../components/manifest/parse.ts";

export interface Verdict {
  milliseconds: number;
  /** What went wrong; absent when nothing did. */
  failure?: string;
}

/** Parses a manifest and looks at what came of it. */
export function checkManifestText(text: string, file: string, mostMilliseconds: number): Verdict {
  let milliseconds = 0;
  try {
    const first = timedParse(text, file);
    milliseconds = first.milliseconds;
    // A collection of garbage may have come between: what is slow is slow again.
    for (let again = 0; milliseconds > mostMilliseconds / 5 && again < 3; again += 1) {
      milliseconds = Math.min(milliseconds, timedParse(text, file).milliseconds);
    }
    const failure = milliseconds > mostMilliseconds ? `took ${milliseconds.toFixed(0)} ms` : faultOf(first.parsed, text, file);
    return { milliseconds, ...(failure === undefined ? {} : { failure }) };
  } catch (thrown) {
    return { milliseconds, failure: `threw ${thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown)}` };
  }
}

function timedParse(text: string, file: string): { parsed: Parsed<Manifest>; milliseconds: number } {
  // Time of this thread on a processor: on a busy machine the clock also tells what others took.
  const start = process.threadCpuUsage();
  const parsed = parseManifest(text, file);
  const { user, system } = process.threadCpuUsage(start);
  return { parsed, milliseconds: (user + system) / 1000 };
}

/** What is wrong with the answer itself. */
function faultOf({ value, issues }: Parsed<Manifest>, text: string, file: string): string | undefined {
  if ((value === undefined) !== issues.some(isError)) return "gives a manifest and errors, or neither";
  const lines = text.split("\n");
  const bad = issues.map((issue) => issueFault(issue, file, lines)).find((fault) => fault !== undefined);
  if (bad !== undefined) return bad;
  renderIssues(issues, () => text);
  return undefined;
}

function issueFault({ code, place, message, fix = "" }: Issue, file: string, lines: string[]): string | undefined {
  const said = `[${code}] ${message}`;
  if (!Object.hasOwn(codes, code)) return `${said}: has a code that is not in the list`;
  if (place.file !== file) return `${said}: points to ${place.file}`;
  const line = lines[(place.line ?? 0) - 1];
  if (line === undefined) return `${said}: points to line ${place.line ?? 0} of ${lines.length}`;
  if ((place.column ?? 0) < 1 || (place.column ?? 0) > line.length + 1) return `${said}: points to column ${place.column ?? 0}`;
  if (/\p{Cc}/u.test(message + fix)) return `${JSON.stringify(said + fix)}: has a control character, such as a line break`;
  if (message.length > 400 || fix.length > 600) return `${said} ${fix}: is longer than a person reads`;
  return undefined;
}
