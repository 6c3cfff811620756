import { renderNotPlanned } from "./comment.ts";
import { withoutOwnSecrets } from "./own-secrets.ts";
import { NotPlanned } from "./planned.ts";
import { UserError } from "./user-error.ts";
import { isError } from "../components/text/issue.ts";

/**
 * Runs what ends in a comment on a pull request. Where it fails there is a comment all the same: reviewers need one then most of all.
 * The error goes on, for the log and the exit code.
 *
 * @param isComment whether it ends in one at all
 * @param environment the one that is named. Without a name there is no comment, since nobody would find it again
 */
export function orComment(isComment: boolean, environment: string | undefined, run: () => void): void {
  try {
    run();
  } catch (error) {
    const about = (error instanceof NotPlanned ? error.environment : undefined) ?? environment;
    if (isComment && about !== undefined) process.stdout.write(commentOn(about, error));
    throw error;
  }
}

function commentOn(environment: string, error: unknown): string {
  const told = withoutOwnSecrets(error instanceof Error ? error.message : String(error));
  if (error instanceof NotPlanned) {
    const where = error.revision === "" ? "here" : "on the branch that it stands on, first";
    const next = `Correct that ${where}: \`silver validate -e ${environment}\` shows the same, with its lines.`;
    return renderNotPlanned(environment, { told, issues: error.issues.filter(isError), next });
  }
  const fix = error instanceof UserError ? error.fix : undefined;
  const next = "The log of this job has all that was said.";
  return renderNotPlanned(environment, { told: [told, fix ?? ""].join("\n").trimEnd(), issues: [], next });
}
