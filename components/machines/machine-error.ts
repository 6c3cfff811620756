/** What went wrong with a machine, told to a person: printed without a stack trace, with what to do on a line of its own. */
export class MachineError extends Error {
  readonly fix: string | undefined;

  constructor(message: string, fix?: string) {
    super(message);
    this.name = "MachineError";
    this.fix = fix;
  }
}
