import type { Release } from "../render/rendered.ts";
import type { Answer, Result, Room, SiteState, Verdict } from "../node/contract.ts";
import { answersText } from "./answers-text.ts";
import { externalSecrets } from "../services/external.ts";
import { isExternal } from "../services/registry.ts";
import { Failure } from "./failure.ts";
import { checkTargets } from "./rollout.ts";
import type { PlacedNode, Rollout } from "./rollout.ts";
import type { Session } from "./session.ts";
import type { PackedTree } from "./packed.ts";
import type { Shipment, Tools } from "./tools.ts";

/** Time within which Varnish must give the right answer: a label changes at once. */
const throughVarnishSeconds = 10;

/** Variables of the site's services, as reported by the nodes that hold them. */
export type Bound = Result<"set-up">["variables"];

/** One node of a rollout: its session, its lease, what it served before and serves now. */
export class SiteNode {
  readonly name: string;
  /** What was live when the lease was taken; undefined before. */
  before: string | null | undefined;
  /** Bundles it keeps of the site, when the lease was taken. */
  bundles: readonly string[] = [];
  /** What the release answered when it last passed its check, one for each location. */
  answers: readonly Answer[] = [];
  /** What is live; undefined when unknown. */
  serves: string | null | undefined;
  /** Whether the site's workers ran here, when the lease was taken. */
  works = false;
  readonly #node: PlacedNode;
  readonly #rollout: Rollout;
  readonly #tools: Tools;
  #session: Session;
  #token: number | undefined;

  constructor(node: PlacedNode, rollout: Rollout, tools: Tools) {
    this.name = node.name;
    this.#node = node;
    this.#rollout = rollout;
    this.#tools = tools;
    this.#session = tools.connect(node);
  }

  isLeased(): boolean {
    return this.#token !== undefined && this.#session.open;
  }

  get #release(): Release {
    return this.#rollout.release;
  }

  get #lease(): { site: string; token: number } {
    if (this.#token === undefined) throw new Error(`${this.name} holds no lease`);
    return { site: this.#rollout.site, token: this.#token };
  }

  async connect(): Promise<void> {
    const hello = await this.#timed(
      "connect",
      () => this.#session.hello(),
      ({ os, python }) => `${os}, Python ${python}`,
    );
    const expected = this.#node.machineId;
    if (expected === undefined || expected === hello.machineId) return;
    throw new Failure({
      node: this.name,
      step: "connect",
      code: "machine",
      message: `${this.#node.address} is not ${this.name}: machine id ${hello.machineId}, expected ${expected}`,
      fix: "run pulumi refresh, then pulumi up",
    });
  }

  async takeLease(): Promise<void> {
    const { site, declared } = this.#rollout;
    const { owner } = this.#node;
    const { token, state, recovered } = await this.#session.ask("lease", {
      site,
      release: declared,
      ...this.#tools.holder,
      ...(owner === undefined ? {} : { owner }),
    });
    this.#token = token;
    this.before ??= state.live;
    this.serves = state.live;
    this.works = state.works ?? false;
    this.bundles = state.releases.map(({ bundle }) => bundle);
    for (const { what, why } of recovered) this.#say("recover", `${what}: ${why}`);
  }

  has(role: PlacedNode["roles"][number]): boolean {
    return this.#node.roles.includes(role);
  }

  /** Asks the services that somebody else runs, and changes nothing. */
  async reach(): Promise<void> {
    const services = (this.#rollout.services ?? []).flatMap((each) => (isExternal(each) ? [each] : []));
    if (services.length === 0) return;
    const secrets = this.#valuesOf(externalSecrets(services));
    await this.#timed(
      "reach",
      () => this.#session.ask("reach", { ...this.#lease, services, secrets }),
      () => `${services.map(({ name }) => name).join(", ")} answered`,
    );
  }

  /** Values of those of the site's secrets that are named. */
  #valuesOf(names: Readonly<Record<string, number>>): Record<string, string> {
    const { secrets } = this.#rollout;
    return Object.fromEntries(
      Object.keys(names).map((name) => {
        const value = secrets[name];
        if (value === undefined) throw new Error(`${this.#rollout.site} has no value of ${name}`);
        return [name, value];
      }),
    );
  }

  /** Sets the site's services up, and returns the variables through which an app finds them. */
  async setUp(): Promise<Result<"set-up">> {
    const services = this.#rollout.services ?? [];
    const secrets = this.#valuesOf(externalSecrets(services));
    const told = Object.keys(secrets).length === 0 ? {} : { secrets };
    const done = await this.#session.ask("set-up", { ...this.#lease, services, ...told });
    for (const { what, why } of done.changes) this.#say("set-up", `${what}: ${why}`);
    return done;
  }

  /** Prepares the release here and starts it beside the live one. */
  async prepare(shipment: Shipment, bound: Bound, stop: AbortSignal): Promise<void> {
    const { release } = this.#rollout;
    const wheels = shipment.wheels.get(this.name);
    const wanted = { release: release.id, bundle: release.bundle.id, ...(wheels === undefined ? {} : { wheels: wheels.digest }) };
    const room = await this.#session.ask("receive", { ...this.#lease, ...wanted }, "upload");
    await this.#send(shipment.app, room, "files", stop);
    if (wheels !== undefined && room.wheels !== undefined) await this.#send(wheels, room.wheels, "library files", stop);
    this.#goOn("prepare", stop);
    await this.#timed(
      "prepare",
      () => this.#start(shipment, bound),
      ({ address, port }) => `${this.#rollout.site} ${release.id} started on ${address}:${port}`,
    );
    this.#goOn("check", stop);
    await this.check("direct");
  }

  /**
   * Restores what a node has lost of the release it serves.
   * @returns whether anything was changed
   */
  async mend(shipment: Shipment, bound: Bound): Promise<boolean> {
    const { changes } = await this.#start(shipment, bound);
    for (const { what, why } of changes) this.#say("prepare", `${what}: ${why}`);
    return changes.length > 0;
  }

  /** Sends what the node doesn't have. */
  async #send(tree: PackedTree, { directory, linkFrom }: Room, what: string, signal: AbortSignal): Promise<void> {
    if (directory === null) return;
    const onProgress = (text: string): void => {
      this.#say("upload", text);
    };
    const from = { node: this.name, from: tree.directory, paths: tree.paths };
    const options = { ...from, ...this.#tools.remote(this.#node, directory), linkFrom, signal, onProgress };
    await this.#timed(
      "upload",
      () => this.#tools.upload(options),
      ({ files, bytes }) => `${files} of ${tree.paths.length} ${what} new, ${bytes} bytes sent`,
    );
  }

  #start({ app, wheels }: Shipment, bound: Bound): Promise<Result<"prepare">> {
    const { release, services, timeouts } = this.#rollout;
    const secrets = this.#valuesOf(release.secrets);
    const told = services === undefined ? {} : { bound };
    const config = app.config === undefined ? {} : { config: app.config.sent };
    const set = wheels.get(this.name);
    const libraries = set === undefined ? {} : { wheels: { listing: set.listing, digest: set.digest } };
    const { startSeconds } = timeouts;
    const work = this.has("work") ? { works: true } : {};
    const args = {
      ...this.#lease,
      release,
      listing: app.listing,
      secrets,
      ...told,
      ...config,
      ...libraries,
      startSeconds,
      ...work,
    };
    return this.#session.ask("prepare", args);
  }

  /** @throws Failure `check` when the release's answer fails the check */
  async check(through: "direct" | "varnish", withinSeconds = this.#rollout.check.withinSeconds): Promise<void> {
    const within = through === "varnish" ? Math.min(withinSeconds, throughVarnishSeconds) : withinSeconds;
    const { status = null, https = false, body = null } = this.#rollout.check;
    const targets = checkTargets(this.#rollout, this.#node);
    const asked = { through, targets, https, status, body, withinSeconds: within };
    const step = through === "direct" ? "check" : "watch";
    await this.#timed(
      step,
      async () => {
        const { answers, log } = await this.#session.ask("check", { ...this.#lease, release: this.#release.id, ...asked }, step);
        const wrong = answers.find(({ ok }) => !ok);
        if (wrong !== undefined) throw this.#failsCheck(step, wrong, log);
        this.answers = answers;
        return answers;
      },
      answersText,
    );
  }

  #failsCheck(step: string, answer: Answer, log: string[]): Failure {
    const { app, check } = this.#rollout;
    const message = `${answer.url}: ${answer.reason ?? "fails the check"}`;
    const wantsTls = check.https !== true && answer.redirect?.startsWith("https:") === true;
    const fix = `set check.https: true in the manifest of ${app}, if it redirects whatever did not come by TLS`;
    return new Failure({ node: this.name, step, code: "check", message, log, answer, ...(wantsTls ? { fix } : {}) });
  }

  /** Sends visitors to the release; this can still be undone. */
  async flip(): Promise<void> {
    await this.#timed(
      "flip",
      () => this.#session.ask("flip", { ...this.#lease, release: this.#release.id, last: false }),
      ({ previous }) => `serves ${this.#release.id}, was ${previous ?? "nothing"}`,
    );
    this.serves = this.#release.id;
  }

  /** From now on the agent, left to itself, only goes forward. */
  async cutOver(): Promise<void> {
    const args = { ...this.#lease, release: this.#release.id, last: true };
    await this.#timed(
      "cut-over",
      () => this.#session.ask("flip", args, "cut-over"),
      () => `${this.#release.id} stays`,
    );
  }

  /**
   * Once the release is there to stay: has the workers of others end, and the release's start if this is the node for them.
   * @returns whether anything was changed
   * @throws Failure `start` with the words of one that does not run, or ends by itself again and again
   */
  async handOver(): Promise<boolean> {
    const { changes, problems, waits } = await this.#session.ask(
      "hand-over",
      { ...this.#lease, works: this.has("work") },
      "work",
    );
    for (const { what, why } of changes) this.#say("work", `${what}: ${why}`);
    if (waits.length > 0) this.#say("work", `the node starts the workers once ${waits.join(", ")} ended`);
    const [problem] = problems;
    if (problem === undefined) return changes.length > 0;
    const others =
      problems.length > 1 ? `; ${problems.length - 1} more ${problems.length === 2 ? "fails" : "fail"} the same way` : "";
    const { what, log } = problem;
    throw new Failure({ node: this.name, step: "work", code: "start", message: `${what}${others}`, log });
  }

  async undo(reason: string): Promise<void> {
    await this.#timed(
      "undo",
      async () => {
        this.serves = (await this.#session.ask("undo", { ...this.#lease, reason })).live;
      },
      () => `serves ${this.serves ?? "nothing"}`,
    );
  }

  async finish(verdict: Verdict, reason: string | null, seconds: number): Promise<void> {
    const { retain, graceSeconds, timeouts } = this.#rollout;
    const keep = { retain, graceSeconds, drainSeconds: timeouts.drainSeconds };
    const { state } = await this.#session.ask("finish", {
      ...this.#lease,
      release: this.#release.id,
      verdict,
      reason,
      seconds,
      ...keep,
    });
    this.#token = undefined;
    this.serves = state.live;
  }

  async removeSite(): Promise<Result<"remove">> {
    return this.#timed(
      "remove",
      () => this.#session.ask("remove", this.#lease),
      ({ archive }) => `archived in ${archive ?? "nothing"}`,
    );
  }

  /** Asks what is live, without a lease. */
  async readStatus(): Promise<SiteState | undefined> {
    const { sites } = await this.#session.ask("status", { site: this.#rollout.site });
    this.serves = sites[0]?.live ?? null;
    return sites[0];
  }

  /** Replaces a broken session by a new one. */
  async reconnect(): Promise<void> {
    await this.#session.close();
    this.#token = undefined;
    this.#session = this.#tools.connect(this.#node);
    await this.#session.hello();
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  #goOn(step: string, stop: AbortSignal): void {
    if (stop.aborted) throw new Failure({ node: this.name, step, code: "stopped", message: "stopped before it began" });
  }

  #say(step: string, text: string, seconds?: number): void {
    this.#tools.reporter.step(this.name, step, text, seconds);
  }

  async #timed<T>(step: string, work: () => Promise<T>, told: (result: T) => string): Promise<T> {
    const start = performance.now();
    const result = await work();
    this.#say(step, told(result), (performance.now() - start) / 1000);
    return result;
  }
}
