import type { SitePlan } from "../plan/plan.ts";
import { siteUnit } from "../plan/site-name.ts";
import { appLimits } from "../platforms/capacity.ts";
import type { Commands, ConfFile } from "../platforms/platform.ts";
import { programFile } from "../platforms/program-file.ts";
import { platforms } from "../platforms/registry.ts";
import { renderCommandUnit, writeEnding } from "./command-unit.ts";
import { runPlaceholder } from "./rendered.ts";

/** Where a command finds the files that were sent with it. */
export const runDirectory = "/tmp/run";

/** Seconds that a command has to end after SIGINT. */
const lastSeconds = 10;

const runProgram = programFile("run.py", import.meta.url);

/** What each release has for `silver run`; nothing where the app runs no code. */
export function runFiles(site: SitePlan): ConfFile[] {
  const { commands }: { commands?: Commands } = platforms[site.platform];
  if (commands === undefined) return [];
  const { paths, shell, files } = commands;
  return [
    { name: "run.json", content: `${JSON.stringify({ paths, shell }, undefined, 2)}\n` },
    { name: "run.py", content: runProgram },
    { name: "run.service", content: renderRunUnit(site) },
    ...files,
  ];
}

/** The unit of one command: within the limits of the app's own processes. Its output goes to whoever started it. */
function renderRunUnit(site: SitePlan): string {
  return renderCommandUnit(site, {
    about: "A command in the environment of one release of one site.",
    description: `Command of site ${site.name}, release @RELEASE@`,
    directory: runDirectory,
    // systemd forgets a unit that ended well.
    afterwards: [writeEnding(`${runPlaceholder}/ended`)],
    // As a terminal ends a command; what ignores it is killed.
    ending: ["KillSignal=SIGINT", `TimeoutStopSec=${lastSeconds}`, "IgnoreSIGPIPE=no"],
    identifier: siteUnit(site.name, "run"),
    limits: appLimits(platforms[site.platform].limits(site.processes), site.limits),
    sandbox: [`BindReadOnlyPaths=${runPlaceholder}/given:${runDirectory}`],
  });
}
