import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { verdict } from "../node/contract.ts";
import { urlText } from "../plan/location.ts";
import { readableLog } from "./app-log.ts";
import type { FailureDetails } from "./failure.ts";
import type { Outcome } from "./outcome.ts";
import type { Rollout } from "./rollout.ts";

/** Variable with the directory in which each rollout leaves how it ended: `silver up` sets it, to say it at its own end. */
export const verdictDirectory = "SILVER_VERDICTS";

/** How the rollout of one site ended, for the line that `silver up` says of it. It holds no secret. */
export const siteVerdict = z.strictObject({
  site: z.string(),
  verdict: z.enum([...verdict.options, "removed", "not removed"]),
  /** Id of the declared release. */
  release: z.string(),
  nodes: z.array(
    z.strictObject({
      name: z.string(),
      /** Null: nothing yet; absent: it did not answer. */
      serves: z.string().nullable().exactOptional(),
    }),
  ),
  urls: z.array(z.string()),
  /** The first cause, in a few words; absent where nothing failed. */
  cause: z.string().exactOptional(),
});
export type SiteVerdict = z.infer<typeof siteVerdict>;

/** What a rollout leaves for `silver up`. Pure. */
export function verdictOf({ verdict, failures: [first], nodes }: Outcome, rollout: Rollout): SiteVerdict {
  return {
    site: rollout.site,
    verdict,
    release: rollout.declared,
    nodes: nodes.map(({ name, serves }) => ({ name, ...(serves === undefined ? {} : { serves }) })),
    urls: urlsOf(rollout),
    ...(first === undefined ? {} : { cause: shortCause(first) }),
  };
}

/** The same of a removal. */
export function removalOf(done: boolean, { site, declared }: Rollout): SiteVerdict {
  return { site, verdict: done ? "removed" : "not removed", release: declared, nodes: [], urls: [] };
}

/**
 * Leaves it where `silver up` looks; does nothing where nobody asked.
 * @param hide what of a text must not be shown
 */
export function leaveVerdict(told: SiteVerdict, hide: (text: string) => string, environment: NodeJS.ProcessEnv): void {
  const directory = environment[verdictDirectory];
  if (directory === undefined || directory === "") return;
  const cause = told.cause === undefined ? {} : { cause: hide(told.cause) };
  writeFileSync(join(directory, `${told.site}.json`), JSON.stringify({ ...told, ...cause }));
}

/** Where visitors find the site; a location of every host is shown by a node's address. */
function urlsOf({ nodes, routes, isHttps }: Rollout): string[] {
  return nodes.flatMap(({ address }) => routes.map((route) => urlText(route, address, isHttps === true)));
}

/** The app's error and its place, `SyntaxError src/wsgi.py:28`, where its log has one; else the failure's own sentence. */
export function shortCause({ log = [], message }: Pick<FailureDetails, "log" | "message">): string {
  const lines = readableLog(log);
  const php = lines.flatMap((line) => /^PHP (\w+ error):.* in (\S+?)(?: on line |:)(\d+)/.exec(line) ?? []);
  if (php.length > 0) return `${php[1] ?? ""} ${php[2] ?? ""}:${php[3] ?? ""}`;
  const error = lines
    .flatMap((line) => /^([A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning|Iteration))\b/.exec(line)?.[1] ?? [])
    .at(-1);
  if (error === undefined) return message;
  const places = lines.flatMap((line) => {
    const [, file, number] = /^ {2}File "([^"/][^"]*)", line (\d+)/.exec(line) ?? [];
    return file === undefined || number === undefined ? [] : [`${file}:${number}`];
  });
  return [error.split(".").at(-1), places.at(-1)].filter((part) => part !== undefined).join(" ");
}
