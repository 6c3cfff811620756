/** What docs/errors.md says of one code: the rule behind it, files that break it, and what to do. */
export interface CodeEntry {
  /** The rule that was broken, as one sentence. */
  rule: string;
  /**
   * The smallest files that break it, name → text or link: `app.yaml` or `app.ini` with what else the app holds, or `dev.yaml`,
   * an environment. Empty where files alone can't.
   */
  example: Record<string, string | { linkTo: string }>;
  /** What to do, as one sentence. */
  fix: string;
  /** Whether it only comes with a key that is not built yet; then the example has that key. Default: false. */
  isLater?: boolean;
}

/**
 * Every code an issue can carry. Each room adds its own in its codes.ts, so that this list is closed without one room that
 * knows all others.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the rooms fill it
export interface Codes {}

/** One code of the closed list. */
export type Code = keyof Codes;
