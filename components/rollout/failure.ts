import { agentError } from "../node/contract.ts";
import type { Answer, Holder } from "../node/contract.ts";

/** Why a step failed: the agent's codes and the driver's own. docs/rollout.md explains each. */
export const failureCodes = [
  ...agentError.shape.code.options,
  "unreachable",
  "host-key",
  "login",
  "agent-missing",
  "protocol",
  "machine",
  "lost",
  "upload",
  "check",
  "stopped",
  "changed",
  "older",
  "library",
] as const;
export type FailureCode = (typeof failureCodes)[number];

export interface FailureDetails {
  /** Absent when it concerns no single node. */
  node?: string;
  /** `connect`, `lease`, `upload`, `prepare`, `check`, `flip` … */
  step: string;
  code: FailureCode;
  /** One sentence: what, where, why. */
  message: string;
  /** What to do, if there is one clear thing. */
  fix?: string;
  /** Last log lines that belong to it, oldest first. */
  log?: string[];
  /** What the release answered, if it was asked. */
  answer?: Answer;
  holder?: Holder;
}

/** A failed step of a rollout, with all that a person needs to know. */
export class Failure extends Error {
  readonly details: FailureDetails;

  constructor(details: FailureDetails) {
    super(details.message);
    this.details = details;
  }
}
