import { z } from "zod";

/** What a node knows of a job of its live release. */
export const jobState = z.strictObject({
  name: z.string(),
  /** When it starts next, in seconds of the epoch; null: never. */
  next: z.number().nullable(),
  /** How many of it run now. */
  running: z.number().int(),
  /** The run that ended last; null: none has. */
  last: z
    .strictObject({
      /** Seconds of the epoch. */
      began: z.number(),
      seconds: z.number(),
      /** Why it failed, for people: `exit code 1`; null when it did not. */
      result: z.string().nullable(),
    })
    .nullable(),
  /** How often it has failed since it last ended well. */
  failures: z.number().int(),
  /** Starts that were skipped so far, because a run had not ended. */
  skipped: z.number().int(),
});
