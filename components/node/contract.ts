import { z } from "zod";
import { nodeState, release } from "../render/rendered.ts";
import { externalSetUp, setUp } from "../services/registry.ts";
import { jobState } from "./job-state.ts";
import {
  anyText,
  bundleId,
  count,
  digest,
  environmentFullName,
  innerPath,
  releaseId,
  seconds,
  siteName,
  variableName,
} from "../text/node-names.ts";

/**
 * The typed contract between what runs here and the agent on a node.
 *
 * `silver-agent serve` reads one JSON request per line from stdin and writes one JSON message per line to stdout:
 * any number of `{"event": …}` while it works, one at least every ten seconds, then exactly one `{"result": …}` or `{"error": …}` for the
 * request's id.
 * `silver-agent VERB` is the same for one request: arguments as JSON on stdin, the result as JSON on stdout, events on stderr.
 * stdin closing, or nothing read for `silenceSeconds` (the driver sends `ping`), means that the driver is gone:
 * it undoes what is not cut over, finishes what is, and releases the lease.
 */
export const protocol = 1;

/** Silence after which the agent considers a driver dead. It answers `ping` between requests, and counts it during them. */
export const silenceSeconds = 30;

const holder = z.strictObject({
  /** `user@host` that runs the rollout. */
  who: z.string(),
  pid: z.number().int(),
  release: z.string(),
  /** ISO 8601, the node's clock: only for people. */
  since: z.string(),
});
export type Holder = z.infer<typeof holder>;

/** The environment that a node belongs to. */
export const owner = z.strictObject({
  /** Decides: two owners are one environment where this is the same. */
  id: digest,
  /** `silverlining/production`, with an organization before it where the backend has some: for people. */
  name: environmentFullName,
  /** Where its state is: for people, without credentials. */
  backend: anyText,
  /** What it calls the node. */
  node: anyText,
});
export type Owner = z.infer<typeof owner>;

/** @property since ISO 8601, the node's clock: only for people */
const claim = owner.extend({ since: anyText });
export type Claim = z.infer<typeof claim>;

/** One thing the agent changed, and why: `{ what: "/etc/silver/top.vcl", why: "content differs" }`. */
const change = z.strictObject({ what: z.string(), why: z.string() });

/** Closed list of what a rollout may end in: the verdicts of docs/rollout.md. */
export const verdict = z.enum(["live", "unchanged", "refused", "reverted", "live-failing", "split", "unknown"]);
export type Verdict = z.infer<typeof verdict>;

const siteState = z.strictObject({
  site: z.string(),
  /** Grows by one whenever the live release changes. */
  serial: z.number().int(),
  live: z.string().nullable(),
  previous: z.string().nullable(),
  /** Releases present on the node, newest first, with what a reviewer asks about each. */
  releases: z.array(
    z.strictObject({
      id: z.string(),
      bundle: z.string(),
      address: z.string(),
      port: z.number().int(),
      /** Those that are to run on this node, in the order in which they start; workers run only in the live release. */
      units: z.array(
        z.strictObject({
          name: z.string(),
          active: z.boolean(),
          /** What is wrong with it, for people, also where it is active: that it ends by itself again and again. Absent: nothing. */
          problem: z.string().exactOptional(),
        }),
      ),
    }),
  ),
  /** Data generation; 1 until a migration makes the next. */
  generation: z.number().int(),
  /** Jobs of the live release, on the node that runs them. Absent where the agent is older than they are. */
  jobs: z.array(jobState).exactOptional(),
  /** Whether the site's workers and jobs run on this node. Absent where the agent is older than they are. */
  works: z.boolean().exactOptional(),
  holder: holder.nullable(),
  /** Services that were set up for it, by name. */
  services: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      /** Size of its data, as last measured by the node. */
      bytes: z.number().int(),
      /** What its data or its memory is limited to. */
      limit: z.number().int(),
      /** What is wrong with it, for people: `over its quota: 40 MB of 32 MB; it can only be read`. */
      problem: z.string().nullable(),
      /** `db.acme.net:5432`, for one that somebody else runs: it has neither size nor limit, and what is wrong with it `verify` finds. */
      place: z.string().exactOptional(),
    }),
  ),
});
export type SiteState = z.infer<typeof siteState>;

/** The result of a request to a release over HTTP. */
const answer = z.strictObject({
  ok: z.boolean(),
  /** `http://127.64.0.3:20003/health` or `http://127.0.0.1:80/health (Host: blog.acme.net)`. */
  url: z.string(),
  status: z.number().int().nullable(),
  /** Where a redirect leads; null for any other answer. */
  redirect: z.string().nullable(),
  /** Why it is not ok: `status 500, expected 200`, `connection refused`, `served by hello 1.0.0-…, expected …`. */
  reason: z.string().nullable(),
  /** First 2,000 characters. */
  body: z.string(),
  milliseconds: z.number(),
});
export type Answer = z.infer<typeof answer>;

const healed = z.strictObject({
  changes: z.array(change),
  problems: z.array(z.strictObject({ what: z.string(), fix: z.string().nullable(), log: z.array(z.string()) })),
});
export type Healed = z.infer<typeof healed>;

const site = { site: siteName };
const leased = { ...site, token: count };

/** Where to send a directory's files, and earlier copies to link equal files from. */
const room = z.strictObject({
  /** Absolute directory for rsync; null when all of it is already there, whole. */
  directory: z.string().nullable(),
  /** Absolute directories for `--link-dest`, newest first. */
  linkFrom: z.array(z.string()),
});
export type Room = z.infer<typeof room>;

/**
 * Every verb: its arguments and its result. `claim`, `give-up`, `converge`, `status`, `verify`, `heal-node`, `recover`, `measure`, `logs`,
 * `run` and `end-run` need no lease.
 */
export const verbs = {
  /** Identifies the node; refuses nothing. */
  hello: {
    args: z.strictObject({}),
    result: z.strictObject({
      protocol: z.number().int(),
      /** SHA-256 of the zipapp. */
      agent: z.string(),
      os: z.string(),
      machineId: z.string(),
      bootId: z.string(),
      python: z.string(),
      /** Whose node it is; absent while it is nobody's. */
      claim: claim.exactOptional(),
    }),
  },
  ping: { args: z.strictObject({}), result: z.strictObject({}) },
  /** Makes the node an environment's. Error `claimed` when it is another's, unless `from` is the id of that one: then it is handed over. */
  claim: {
    args: z.strictObject({ owner, from: digest.exactOptional() }),
    result: z.strictObject({ changes: z.array(change) }),
  },
  /** Makes the node nobody's; does nothing where it is another environment's, or has another name in this one by now. */
  "give-up": { args: z.strictObject({ owner }), result: z.strictObject({ changes: z.array(change) }) },
  /** Claims the node and makes it match the state; idempotent; writes only what differs. Error `claimed` as above. */
  converge: { args: z.strictObject({ owner, state: nodeState }), result: z.strictObject({ changes: z.array(change) }) },
  /**
   * Takes the site's lease for this session. Error `leased` with the holder when another has it, `claimed` when the node is another
   * environment's. Undoes what a dead rollout left.
   */
  lease: {
    args: z.strictObject({
      ...site,
      who: anyText,
      pid: count,
      release: anyText,
      /** Absent from the removal of a site that an older version planned. */
      owner: owner.exactOptional(),
    }),
    result: z.strictObject({ token: z.number().int(), state: siteState, recovered: z.array(change) }),
  },
  /** Makes room for an upload of the bundle's files, and of the wheel set's if there is one. */
  receive: {
    args: z.strictObject({
      ...leased,
      release: releaseId,
      bundle: bundleId,
      /** SHA-256 of the wheel set's listing; absent when the app lists no libraries. */
      wheels: digest.exactOptional(),
    }),
    result: z.strictObject({ ...room.shape, wheels: room.exactOptional() }),
  },
  /**
   * On the nodes that hold the site's services, before anything is changed: connects to each service that somebody else runs, as the
   * site would, and logs in. Error `service` when one does not answer as it should.
   */
  reach: {
    args: z.strictObject({ ...leased, services: z.array(externalSetUp), secrets: z.record(variableName, anyText) }),
    result: z.strictObject({}),
  },
  /**
   * On the nodes that hold the site's services: installs their packages, makes each match its options in the site's data generation,
   * and returns where it is. Undone only with a site's first rollout, which leaves no data behind. Error `package`, `service`, `no-space`.
   */
  "set-up": {
    args: z.strictObject({
      ...leased,
      services: z.array(setUp),
      /** Values of the secrets of services that somebody else runs; absent when there are none. */
      secrets: z.record(variableName, anyText).exactOptional(),
    }),
    result: z.strictObject({
      changes: z.array(change),
      /** The variables of all services, their placeholders filled in. */
      variables: z.record(z.string(), z.string()),
    }),
  },
  /**
   * On the nodes that serve the site: installs the site's packages, checks the uploaded bytes against `listing`, writes the release's files,
   * runs the app's checker on the configuration, starts its units beside the live ones and waits until it listens. Error
   * `bundle-differs`, `package`, `config` (with the checker's output), `start` (with the app's last log lines).
   */
  prepare: {
    args: z.strictObject({
      ...leased,
      release,
      /** The bundle's canonical listing: its SHA-256 is the bundle's digest. */
      listing: anyText,
      /** Secret values by variable; never logged, never in an error, root- and site-readable on disk only. */
      secrets: z.record(variableName, anyText),
      /** Variables of the site's services, as returned by `set-up`; absent when it has none. */
      bound: z.record(variableName, anyText).exactOptional(),
      /** Files of the configuration directory that travels with the release; absent when none does. */
      config: z
        .strictObject({
          listing: anyText,
          /** Path → content in base64, for each file of the listing. */
          files: z.record(innerPath, anyText),
        })
        .exactOptional(),
      /** The listing of this node's wheel set and its SHA-256; absent when the app lists no libraries. */
      wheels: z.strictObject({ listing: anyText, digest }).exactOptional(),
      startSeconds: seconds,
      /** Whether the site's workers are to run on this node, should it have to finish the rollout by itself. Absent: they are not. */
      works: z.boolean().exactOptional(),
    }),
    result: z.strictObject({ address: z.string(), port: z.number().int(), changes: z.array(change) }),
  },
  /**
   * Asks a prepared release directly on its own address, or the live one through Varnish, at one target after the other; polls each until
   * it is ok. Ends at the first one that is not ok once `withinSeconds` have passed for all. Error `service` or `no-space` where the node
   * is why it is not.
   */
  check: {
    args: z.strictObject({
      ...leased,
      release: releaseId,
      through: z.enum(["direct", "varnish"]),
      /** One for each of the site's locations: what the Host header says, and the path. */
      targets: z.array(z.strictObject({ host: anyText, path: anyText })),
      /** Asks as a proxy does that terminates TLS: with `X-Forwarded-Proto: https`. */
      https: z.boolean(),
      /** The status that an answer must have; null: any below 500. */
      status: count.nullable(),
      body: anyText.nullable(),
      withinSeconds: seconds,
    }),
    result: z.strictObject({
      /** One for each target, in their order; when one is not ok, it is the last. */
      answers: z.array(answer),
      /** When one is not ok: what the release said since the lease was taken, the middle of it left out when it is long. */
      log: z.array(z.string()),
    }),
  },
  /**
   * Sends visitors to the release on this node: intent → boot.cli → label → done. `last: false`: it can still be undone, and is when
   * the driver dies. Called again with `last: true` once every node of the site answers with the release: that is the site's cut-over,
   * after which the agent only goes forward. `last: true` on the first call does both.
   */
  flip: {
    args: z.strictObject({ ...leased, release: releaseId, last: z.boolean() }),
    result: z.strictObject({ changes: z.array(change), previous: z.string().nullable() }),
  },
  /**
   * After the cut-over: tells the workers of other releases to end, and starts those of the live one once they have. Waits for that for
   * a minute at most; then the node goes on by itself. Looks for some seconds whether what it started stays.
   */
  "hand-over": {
    args: z.strictObject({
      ...leased,
      /** Whether the site's workers are to run on this node; if not, all of them end here. */
      works: z.boolean(),
    }),
    result: z.strictObject({
      changes: z.array(change),
      /** Workers that do not run, or end again and again, with their last words. */
      problems: z.array(z.strictObject({ what: z.string(), log: z.array(z.string()) })),
      /** Units that have yet to end before the others start. */
      waits: z.array(z.string()),
    }),
  },
  /**
   * Goes back to what served before this rollout: flips back if flipped (even after the cut-over: the driver asks only when that is
   * safe), stops and removes the new release. Does nothing when nothing is under way.
   */
  undo: {
    args: z.strictObject({ ...leased, reason: anyText }),
    result: z.strictObject({ live: z.string().nullable(), changes: z.array(change) }),
  },
  /**
   * Ends a rollout: appends to history.jsonl, releases the lease, lets older releases drain and stop, prunes beyond `retain`.
   * Returns at once; draining goes on in a transient unit.
   */
  finish: {
    args: z.strictObject({
      ...leased,
      release: releaseId,
      verdict,
      reason: anyText.nullable(),
      seconds,
      retain: count,
      graceSeconds: seconds,
      drainSeconds: seconds,
    }),
    result: z.strictObject({ state: siteState }),
  },
  /** Stops serving a site and archives it: data and the live release's files stay under /srv/silver/.archive. */
  remove: { args: z.strictObject(leased), result: z.strictObject({ changes: z.array(change), archive: z.string().nullable() }) },
  status: { args: z.strictObject({ site: siteName.nullable() }), result: z.strictObject({ sites: z.array(siteState) }) },
  /**
   * What is wrong with what serves, beyond the records that `status` reads: Varnish and its labels, unit files, each site's own check
   * through Varnish, all sites side by side. Takes seconds at most, and changes nothing.
   */
  verify: {
    args: z.strictObject({ site: siteName.nullable() }),
    result: z.strictObject({
      /** Of the node, and so of all of its sites. */
      problems: z.array(z.string()),
      /** Sites that serve, by name. */
      sites: z.array(z.strictObject({ site: z.string(), problems: z.array(z.string()) })),
    }),
  },
  /**
   * Puts back what this node has lost of a site: services and their mounts, files, units and links of its live release, its VCL and label.
   * Makes no data, changes no release, restarts nothing that runs; ends the lease. What can't be put back is a problem, not an error.
   */
  heal: { args: z.strictObject(leased), result: healed },
  /** The same for what all sites of the node share, by its last state. A Varnish that serves is not restarted. */
  "heal-node": { args: z.strictObject({}), result: healed },
  /**
   * Makes the site a new key (SILVER_SECRET_FILE), and keeps the one before beside it, as `.previous`; ends the lease. Error `usage` when
   * the site has had no new release since the last time.
   */
  "rotate-key": { args: z.strictObject(leased), result: z.strictObject({ changes: z.array(change) }) },
  /**
   * Last lines of a site, oldest first, without secrets: what the app said and what went wrong (`cron`: of its jobs alone), what
   * rollouts did, or one for each request. With `follow`, each line is an event `line` instead, and the verb goes on until the driver is gone.
   */
  logs: {
    args: z.strictObject({
      ...site,
      release: releaseId.nullable(),
      lines: count,
      kind: z.enum(["app", "cron", "rollout", "access"]),
      /** Seconds of the epoch: nothing older. */
      since: seconds.exactOptional(),
      /** Python's regular expression: only lines that contain it. */
      grep: anyText.exactOptional(),
      follow: z.boolean().exactOptional(),
    }),
    result: z.strictObject({ lines: z.array(z.string()) }),
  },
  /**
   * Prepares a command in the environment of a release, as the site's user: `silver-agent attach RUN` on the same connection runs it, with
   * that process's stdin and stdout. It is ended with this session. Error `usage` when the site or the release is not here.
   */
  run: {
    args: z.strictObject({
      ...site,
      /** null: the live one. */
      release: releaseId.nullable(),
      /** `user@host` that asks for it. */
      who: anyText,
      /** Its words; none: an interpreter with the app loaded. */
      command: z.array(anyText),
      /** The site's service, by its name in the manifest, whose client takes the command's place. */
      service: anyText.exactOptional(),
      terminal: z.boolean(),
      /** Bytes of the files that will be sent to `directory`. */
      bytes: count,
    }),
    result: z.strictObject({
      run: z.string(),
      /** Absolute; the command sees it as /tmp/run. */
      directory: z.string(),
    }),
  },
  /** Ends a command of this session if it still runs, adds it to the history, and removes what was made for it. */
  "end-run": {
    args: z.strictObject({ run: anyText }),
    result: z.strictObject({
      /** As a shell counts it: 128 and the signal's number for one that was killed. null when it never began. */
      code: z.number().int().nullable(),
      /** What its code does not tell, for people: `it used more memory than the processes of the site may`. */
      reason: z.string().nullable(),
    }),
  },
  /** After a boot, before Varnish: undoes or finishes what was under way, and rewrites boot.cli and the firewall's elements. */
  recover: { args: z.strictObject({}), result: z.strictObject({ changes: z.array(change) }) },
  /** By a timer: restricts databases over their quota, reopens those below it, and empties log files that are too large. */
  measure: { args: z.strictObject({}), result: z.strictObject({ changes: z.array(change) }) },
} as const;
export type Verb = keyof typeof verbs;
export type Args<V extends Verb> = z.infer<(typeof verbs)[V]["args"]>;
export type Result<V extends Verb> = z.infer<(typeof verbs)[V]["result"]>;

export const agentError = z.strictObject({
  /** Closed list: the agent's and the driver's tests go through it. */
  code: z.enum([
    "usage",
    "os-differs",
    "package",
    "service",
    "claimed",
    "leased",
    "lease-lost",
    "bundle-differs",
    "no-space",
    "config",
    "start",
    "vcl",
    "file",
    "unit",
    "internal",
  ]),
  /** One sentence for a person: what, where, why. Never a secret. */
  message: z.string(),
  /** What to do, if there is one clear thing. */
  fix: z.string().nullable(),
  /** Last log lines that belong to it: a traceback, apt's output, the VCL compiler's. */
  log: z.array(z.string()),
  holder: holder.nullable(),
});
export type AgentError = z.infer<typeof agentError>;

export const message = z.union([
  z.strictObject({ id: z.number().int(), event: z.strictObject({ step: z.string(), text: z.string() }) }),
  z.strictObject({ id: z.number().int(), result: z.unknown() }),
  z.strictObject({ id: z.number().int(), error: agentError }),
]);
