import type { SitePlan } from "../plan/plan.ts";
import { startEnvironment } from "./start-environment.ts";
import { appOrder, renderSandbox, runsAs, writableOf } from "./unit-file.ts";

/** The line that starts a command, whose words are in a directory: by one program for `silver run`, workers and jobs. */
export const commandLine = (directory: string): string => `ExecStart=/usr/bin/python3 -P @ROOT@/conf/run.py ${directory}`;

/** The words that write down how a command ended. */
export const writeEnding = (file: string): string => `/bin/sh -c 'echo "$SERVICE_RESULT $EXIT_STATUS" >${file}'`;

/** What differs between the units of two commands. */
export interface CommandUnit {
  /** The first line of the file, without its `#`. */
  about: string;
  description: string;
  /** Where the words of the command are on the node. */
  directory: string;
  /** Run as root, one after the other, when the command has ended, also by a signal. */
  afterwards: readonly string[];
  /** How it ends: lines of `[Service]`. */
  ending: readonly string[];
  /** What its lines in the journal are named by. */
  identifier: string;
  limits: { memoryBytes: number; tasks: number };
  /** Further lines of the sandbox. */
  sandbox?: readonly string[];
}

/**
 * The unit of a command in the environment of one release, from which the agent makes a transient unit for each run: as the
 * site's user, and confined like the release itself.
 */
export function renderCommandUnit(site: SitePlan, unit: CommandUnit): string {
  return `# ${unit.about} The agent starts a transient unit with these lines for each.
[Unit]
Description=${unit.description}
${appOrder(site).join("\n")}

[Service]
Type=exec
${commandLine(unit.directory)}
# How it ended, also by a signal.
${unit.afterwards.map((words) => `ExecStopPost=+${words}`).join("\n")}
${runsAs(site)}
WorkingDirectory=@ROOT@/app
${startEnvironment(site, ["HOME=/tmp"])}
${unit.ending.join("\n")}
SyslogIdentifier=${unit.identifier}
UMask=0027

MemoryMax=${unit.limits.memoryBytes}
TasksMax=${unit.limits.tasks}
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
${[...(unit.sandbox ?? []), renderSandbox(site.limits, writableOf(site))].join("\n")}`;
}
