/**
 * The part of an app's log that a person needs when its release failed: the first error, as the app wrote it. Later ones are often
 * its consequences, or the same in another process.
 * Without Apache's prefixes and process messages, without the frames of our wrapper and of Python's importer, with paths as the
 * app's team knows them. Other lines stay unchanged.
 */
export function readableLog(lines: readonly string[]): string[] {
  const parsed = lines.map(parseLine);
  return firstFailure(parsed).map(({ text }) => shorten(text));
}

interface LogLine {
  /** Apache's, e.g. `error`; absent where the line is the app's own, or systemd's. */
  level: string | undefined;
  /** The process that wrote it: several may write at once. */
  pid: string | undefined;
  text: string;
}

/** Lines shown when there is no traceback. */
const mostLines = 20;
/** Lines shown of what an app said before the traceback that ended its start. */
const mostBefore = 10;
const talk = new Set(["info", "notice", "debug"]);
// Python writes one of these between a traceback and the one it caused.
const chain = /^(During handling of the above exception|The above exception was the direct cause)/;
// PHP: an error that ends a script; its stack trace follows.
const phpEnd = /^PHP (?:Fatal|Parse) error: /;
const trace = "Traceback (most recent call last):";
// Our wrapper's own, below which the app's are.
const ownFrame = /^ {2}File "\/srv\/silver\/[^/]+\/releases\/[^/]+\/conf\//;
// The runner could not be loaded: its traceback follows.
const failedLoad = /^mod_wsgi \(pid=\d+\): (?:Failed to exec|SystemExit exception raised when doing exec of) Python script file/;
const isServers = ({ text }: LogLine): boolean =>
  /^(?:mod_wsgi \(pid=|AH\d{5}: |(?:Timeout when reading|Truncated or oversized) response headers)/.test(text);
const isWrapper = ({ text }: LogLine): boolean => ownFrame.test(text);
const isSystemds = ({ text }: LogLine): boolean => /^(?:[A-Z][a-z]+ (?:to start )?)?silver-[a-z]+-\S+\.service\b/.test(text);
const isDeath = ({ text }: LogLine): boolean => / exit signal | has died, /.test(text);

// `PHP message: text` is how php-fpm passes on PHP's output, and
// `[wsgi:error] [pid 34:tid 56] [client 127.0.0.1:4] text`: ErrorLogFormat of a release's Apache.
function parseLine(line: string): LogLine {
  const match = /^\[[a-z_0-9]*:([a-z0-9]+)\] \[pid (\d+)(?:\D[^\]]*)?\] (?:\[(?:client|remote) [^\]]*\] )?(.*)$/.exec(line);
  return { level: match?.[1], pid: match?.[2], text: match?.[3] ?? line.replace(/^PHP message: /, "") };
}

/** The first error that ended a start or a request, with what belongs to it; where there is none, what was said last. */
function firstFailure(lines: readonly LogLine[]): LogLine[] {
  const byProcess = [...Map.groupBy(lines, ({ pid }) => pid).values()];
  const place = new Map(lines.map((line, index) => [line, index]));
  const placeOf = ({ lines: [first] }: Traceback): number => (first && place.get(first)) ?? 0;
  const tracebacks = byProcess.flatMap(tracebacksOf).toSorted((one, other) => placeOf(one) - placeOf(other));
  // The app went on after one that did not reach the wrapper: it may have nothing to do with this.
  const told = tracebacks.find(({ lines }) => lines.some(isWrapper)) ?? tracebacks.at(-1);
  if (told !== undefined) return [...told.before, ...withoutFrames(told.lines)];
  const end = lines.findIndex(({ text }) => phpEnd.test(text));
  return end < 0 ? lastSaid(lines) : phpError(lines, end);
}

interface Traceback {
  /** With what the process said next, up to the server's next words. */
  lines: LogLine[];
  /** What the app said before the one that ended its start. */
  before: LogLine[];
}

/** The tracebacks in what one process wrote, each with those it caused. */
function tracebacksOf(own: readonly LogLine[]): Traceback[] {
  const all = own.flatMap(({ text }, index) => (text === trace ? [index] : []));
  const isCaused = (start: number, before = start) => own.slice(before, start).some(({ text }) => chain.test(text));
  const starts = all.filter((start, index) => !isCaused(start, all[index - 1]));
  let rest = 0;
  return starts.map((start, index) => {
    const next = starts[index + 1] ?? own.length;
    const length = own.slice(start, next).findIndex(isServers);
    const said = own.slice(rest, start);
    rest = length < 0 ? next : start + length;
    const isOfLoad = said.some(({ text }) => failedLoad.test(text));
    return { lines: own.slice(start, rest), before: isOfLoad ? said.filter((line) => !isServers(line)).slice(-mostBefore) : [] };
  });
}

/** An error of PHP and its stack trace, up to the next one. */
function phpError(lines: readonly LogLine[], start: number): LogLine[] {
  const next = lines.findIndex(({ text }, index) => index > start && text.startsWith("PHP "));
  return lines.slice(start, next < 0 ? undefined : next);
}

/** What the app said; where it said nothing, what was said of it. Equal lines of several processes once. */
function lastSaid(lines: readonly LogLine[]): LogLine[] {
  const others = lines.filter((line) => !isSystemds(line));
  const isGrave = ({ level }: LogLine): boolean => level === undefined || !talk.has(level);
  const candidates = [
    others.filter((line) => isDeath(line) || (isGrave(line) && !isServers(line))),
    others.filter(isGrave),
    others,
    lines,
  ];
  const shown = candidates.find(({ length }) => length > 0) ?? [];
  const known = new Set<string>();
  const isNew = ({ pid, text }: LogLine): boolean => {
    const key = text.replaceAll(/\b(pid[ =])\d+/g, "$1");
    if (pid !== undefined && known.has(key)) return false;
    known.add(key);
    return true;
  };
  return shown.filter(isNew).slice(-mostLines);
}

/** A frame is its `File` line and the more indented lines below it: source and markers. */
function withoutFrames(lines: readonly LogLine[]): LogLine[] {
  let inForeignFrame = false;
  return lines.filter(({ text }) => {
    if (text.startsWith("  File ")) inForeignFrame = text.startsWith('  File "<frozen ') || ownFrame.test(text);
    else if (!text.startsWith("    ")) inForeignFrame = false;
    return !inForeignFrame;
  });
}

const shorten = (text: string): string => text.replaceAll(/\/srv\/silver\/[a-z0-9-]+\/releases\/[^/"]+\/app\//g, "");

/** The part of an answer's body worth showing: a page's title, or the first characters of anything else; empty when it has no text. */
export function readableBody(body: string, characters: number): string {
  const title = /<title[^<>]*>([^<]*)<\/title>/i.exec(body)?.[1];
  return (title ?? body).trim().slice(0, characters);
}
