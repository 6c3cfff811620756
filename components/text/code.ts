/** What docs/errors.md says about a code: the rule behind it, files that break it, and what to do. */
export interface CodeEntry {
  /** The broken rule, as one sentence. */
  rule: string;
  /**
   * The smallest files that break it, name → text or link: `app.yaml` or `app.ini` with the app's other files, or `dev.yaml`,
   * an environment. Empty when files alone can't break it.
   */
  example: Record<string, string | { linkTo: string }>;
  /** What to do, as one sentence. */
  fix: string;
  /** Whether it only occurs with a key that is not built yet, which the example then has. Default: false. */
  isLater?: boolean;
}

/**
 * Every code of an issue. Each layer adds its own in its codes.ts, so that the list is closed without one layer that
 * knows all others.
 */
// eslint-disable-next-line @typescript-eslint/no-empty-object-type -- the rooms fill it
export interface Codes {}

/** One code of the closed list. */
export type Code = keyof Codes;
