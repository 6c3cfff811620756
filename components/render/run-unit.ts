import type { SitePlan } from "../plan/plan.ts";
import { siteUnit } from "../plan/site-name.ts";
import { appLimits } from "../platforms/capacity.ts";
import type { Commands, ConfFile } from "../platforms/platform.ts";
import { programFile } from "../platforms/program-file.ts";
import { platforms } from "../platforms/registry.ts";
import { runPlaceholder } from "./rendered.ts";
import { startEnvironment } from "./start-environment.ts";
import { appOrder, renderSandbox, writableOf } from "./unit-file.ts";

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

/**
 * The unit of one command, which the agent makes anew for each: as the site's user, within the limits of the app's own processes, and
 * confined like the release itself. Its words and variables come from files, and its output goes to whoever started it.
 */
function renderRunUnit(site: SitePlan): string {
  const { name, user } = site;
  const limits = appLimits(platforms[site.platform].limits(site.processes), site.limits);
  return `# A command in the environment of one release of one site. The agent starts a transient unit with these lines for each.
[Unit]
Description=Command of site ${name}, release @RELEASE@
${appOrder(site).join("\n")}

[Service]
Type=exec
ExecStart=/usr/bin/python3 -P @ROOT@/conf/run.py ${runDirectory}
# How it ended, also by a signal: systemd forgets a unit that ended well.
ExecStopPost=+/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_STATUS" >${runPlaceholder}/ended'
User=${user}
Group=${user}
WorkingDirectory=@ROOT@/app
${startEnvironment(site, ["HOME=/tmp"])}
# As a terminal ends a command; what ignores it is killed.
KillSignal=SIGINT
TimeoutStopSec=${lastSeconds}
IgnoreSIGPIPE=no
SyslogIdentifier=${siteUnit(name, "run")}
UMask=0027

MemoryMax=${limits.memoryBytes}
TasksMax=${limits.tasks}
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
BindReadOnlyPaths=${runPlaceholder}/given:${runDirectory}
${renderSandbox(site.limits, writableOf(site))}`;
}
