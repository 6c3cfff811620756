import { join, relative } from "node:path";
import { renderIssues } from "../components/text/code-frame.ts";
import { shownFrom } from "../components/text/files.ts";
import type { Issue } from "../components/text/issue.ts";
import { root } from "./pulumi.ts";

/**
 * Issues for a person at a terminal. Files are named from where that person stands, so that a terminal opens them; in the files of
 * another revision there is nothing to open, and they are named from the project's root.
 * @param directory whose files they are about: the project's, or one with the files of a revision
 * @param stream where they are printed
 * @param read text of a file. Default: as it is in `directory`
 */
export function issuesText(
  issues: readonly Issue[],
  directory: string,
  stream: NodeJS.WriteStream,
  read = shownFrom(directory),
): string {
  const nameFile = (file: string) => (directory === root ? relative(process.cwd(), join(root, file)) || "." : file);
  return renderIssues(issues, read, { colour: stream.isTTY, nameFile });
}
