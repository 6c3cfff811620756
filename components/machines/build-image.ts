import { join } from "node:path";
import { containedCommand } from "./contained-command.ts";
import { parseAptOptions } from "./host-files.ts";
import { imageCommand } from "./image-recipe.ts";
import type { ImageRecipe } from "./image-recipe.ts";
import { findKeyring } from "./keyring.ts";
import { MachineError } from "./machine-error.ts";
import type { Progress } from "./progress.ts";
import { mustRun, runCommand } from "./run-command.ts";

/** Builds the root file system of a recipe as the tar archive `target`. Its temporary files are in `workDirectory`. */
export async function buildImage(
  recipe: ImageRecipe,
  architecture: string,
  workDirectory: string,
  target: string,
  progress: Progress,
): Promise<void> {
  const keyring = await reachArchive(recipe, workDirectory);
  const aptOptions = parseAptOptions(await mustRun("reading apt's settings", ["apt-config", "dump"]));
  const command = imageCommand(recipe, architecture, keyring, target, aptOptions);
  await mustRun(`building ${recipe.os}`, containedCommand(command), {
    environment: { ...process.env, TMPDIR: workDirectory, LC_ALL: "C.UTF-8" },
    onErrorLine: (line) => {
      const step = /^I: (.*)\.\.\.$/.exec(line)?.[1];
      if (step !== undefined) progress(`  … ${step}`);
    },
  });
}

/** Fails before a minute of work when the archive can't be reached or verified. Returns the file that verifies it. */
export async function reachArchive(recipe: ImageRecipe, workDirectory: string): Promise<string> {
  const archive = recipe.sources[0]?.split(" ")[1] ?? "";
  const release = `${archive}/dists/${recipe.suite}/InRelease`;
  // apt's own downloader, so that apt's proxy settings apply, as they will for the packages.
  const fetched = await runCommand(["/usr/lib/apt/apt-helper", "download-file", release, join(workDirectory, "InRelease")], {
    timeoutSeconds: 60,
  });
  if (fetched.code !== 0)
    throw new MachineError(
      `no ${recipe.os} node can be built here: ${release} can't be fetched\n  ${/^E: .*$/m.exec(fetched.stderr)?.[0] ?? "no answer in 60 s"}`,
      "let this computer reach the archive (apt's proxy settings are used), or choose another os for the node",
    );
  return findKeyring(recipe.keyring, workDirectory);
}
