import { realpathSync, statSync } from "node:fs";
import { basename, dirname } from "node:path";
import { runDirectory } from "../components/render/run-unit.ts";
import { UserError } from "./user-error.ts";

/** A file of this computer that goes along with a command. */
export interface Upload {
  directory: string;
  name: string;
  /** Below the command's directory on the node. */
  target: string;
  bytes: number;
}

/**
 * A command's words as they are on the node, and the files that it names: `@data.csv` is that file's path there, `@@x` stands for `@x`.
 * @throws UserError for a word that names no file
 */
export function uploadsOf(command: readonly string[]): { words: string[]; uploads: Upload[] } {
  const uploads: Upload[] = [];
  const words = command.map((word) => {
    if (word.startsWith("@@")) return word.slice(1);
    if (!word.startsWith("@") || word === "@") return word;
    const upload = uploadOf(word.slice(1), String(uploads.length + 1));
    uploads.push(upload);
    return `${runDirectory}/${upload.target}/${upload.name}`;
  });
  return { words, uploads };
}

function uploadOf(path: string, target: string): Upload {
  const found = statSync(path, { throwIfNoEntry: false });
  const fix = `a word that begins with @ names a file to send; write @@ for one that does not: @@${path}`;
  if (found?.isFile() !== true)
    throw new UserError(`@${path}: ${found === undefined ? "there is no such file here" : "it is not a plain file"}`, fix, 2);
  // A link would be sent as what it is.
  const file = realpathSync(path);
  return { directory: dirname(file), name: basename(file), target, bytes: found.size };
}
