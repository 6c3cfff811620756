/**
 * The part of an app's log that a person needs when its release failed: the last error, as the app wrote it.
 * Without Apache's prefixes and process messages, without the frames of our wrapper and of Python's importer, with paths as the
 * app's team knows them. Other lines stay unchanged.
 */
export function readableLog(lines: readonly string[]): string[] {
  const parsed = lines.map(parseLine);
  const grave = parsed.filter(({ level }) => level === undefined || !talk.has(level));
  const shown = grave.length > 0 ? grave : parsed.slice(-mostTalk);
  return lastFailure(shown).map(({ text }) => shorten(text));
}

interface LogLine {
  /** Apache's, e.g. `error`; absent where the line is the app's own, or systemd's. */
  level: string | undefined;
  /** The process that wrote it: several may write at once. */
  pid: string | undefined;
  text: string;
}

/** Lines shown when only Apache wrote any. */
const mostTalk = 10;
const talk = new Set(["info", "notice", "debug"]);
// Python writes one of these between a traceback and the one it caused.
const chain = /^(During handling of the above exception|The above exception was the direct cause)/;
// PHP: an error that ends a script; its stack trace follows.
const phpEnd = /^PHP (?:Fatal|Parse) error: /;
const trace = "Traceback (most recent call last):";

// `PHP message: text` is how php-fpm passes on PHP's output, and
// `[wsgi:error] [pid 34:tid 56] [client 127.0.0.1:4] text`: ErrorLogFormat of a release's Apache.
function parseLine(line: string): LogLine {
  const match = /^\[[a-z_0-9]*:([a-z0-9]+)\] \[pid (\d+)[^\]]*\] (?:\[(?:client|remote) [^\]]*\] )?(.*)$/.exec(line);
  return { level: match?.[1], pid: match?.[2], text: match?.[3] ?? line.replace(/^PHP message: /, "") };
}

/** The last error and the lines after it; all lines when there is none. */
function lastFailure(lines: readonly LogLine[]): LogLine[] {
  const last = lines.findLast(({ text }) => text === trace);
  if (last !== undefined) return lastTraceback(lines, last);
  const end = lines.findLastIndex(({ text }) => phpEnd.test(text));
  return lines.slice(Math.max(0, end));
}

/** The last traceback with its causes, and what its process wrote after it. */
function lastTraceback(lines: readonly LogLine[], last: LogLine): LogLine[] {
  const own = lines.filter(({ pid }) => pid === last.pid);
  const starts = own.flatMap(({ text }, index) => (text === trace ? [index] : []));
  const chained = (index: number): boolean => own.slice(starts[index - 1], starts[index]).some(({ text }) => chain.test(text));
  let first = starts.length - 1;
  while (first > 0 && chained(first)) first -= 1;
  return withoutFrames(own.slice(starts[first]));
}

/** A frame is its `File` line and the more indented lines below it: source and markers. */
function withoutFrames(lines: readonly LogLine[]): LogLine[] {
  let inForeignFrame = false;
  return lines.filter(({ text }) => {
    if (text.startsWith("  File "))
      inForeignFrame = /^ {2}File "(<frozen |\/srv\/silver\/[^/]+\/releases\/[^/]+\/conf\/)/.test(text);
    else if (!text.startsWith("    ")) inForeignFrame = false;
    return !inForeignFrame;
  });
}

const shorten = (text: string): string => text.replaceAll(/\/srv\/silver\/[a-z0-9-]+\/releases\/[^/"]+\/app\//g, "");

/** The part of an answer's body worth showing: a page's title, or the first characters of anything else; empty when it has no text. */
export function readableBody(body: string, characters: number): string {
  const title = /<title[^>]*>([^<]*)<\/title>/i.exec(body)?.[1];
  return (title ?? body).trim().slice(0, characters);
}
