/** An error that a person can act on: printed without a stack trace. */
export class UserError extends Error {
  /** What to do, if there is one clear thing. */
  readonly fix: string | undefined;
  /** 1: it failed; 2: the call itself is wrong. */
  readonly exitCode: 1 | 2;

  constructor(message: string, fix?: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.fix = fix;
    this.exitCode = exitCode;
  }
}
