import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Clone } from "../../components/machines/clone.ts";

/** The clone of a suite: told by this checkout and the suite's name. */
export function suiteClone(suite: string): Clone {
  const checkout = realpathSync(resolve(import.meta.dirname, "../.."));
  const id = createHash("sha256").update(`${checkout} test ${suite}`).digest("hex").slice(0, 6);
  const directory = join(process.env.XDG_STATE_HOME ?? join(homedir(), ".local/state"), "silverlining", id);
  const authority = { certificate: join(directory, "authority.crt"), key: join(directory, "authority.key") };
  return { id, checkout, nodesDirectory: join(directory, "nodes"), keyFile: join(directory, "id_ed25519"), authority };
}

/** The clone of the nodes that suites use one after the other. */
export const sharedClone = (): Clone => suiteClone("shared");

/** Progress of making nodes: prints only what can take minutes, since a test that seems to hang is building an image. */
export function sayImages(line: string): void {
  if (line.startsWith("  … Node image")) console.error(line);
}
