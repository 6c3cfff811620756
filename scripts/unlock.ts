// Before stack dev is changed: waits for another run, and takes away the lock of one that was killed.
import { awaitLocks } from "../cli/locks.ts";
import { UserError } from "../cli/user-error.ts";

try {
  await awaitLocks("dev", console.error);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(`✗ ${error.message}`);
  if (error.fix !== undefined) console.error(`  ${error.fix}`);
  process.exitCode = 1;
}
