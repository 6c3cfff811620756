/** An error with a machine, for a person: printed without a stack trace, with the fix on its own line. */
export class MachineError extends Error {
  readonly fix: string | undefined;

  constructor(message: string, fix?: string) {
    super(message);
    this.name = "MachineError";
    this.fix = fix;
  }
}
