import type { Checker } from "../platforms/platform.ts";
import type { SitePlan } from "../plan/plan.ts";
import { siteUnit } from "../plan/site-name.ts";
import { startEnvironment } from "./start-environment.ts";
import { logsOf, renderSandbox, runsAs } from "./unit-file.ts";

/** Seconds a checker may take. It only checks values: one that takes longer is waiting for something. */
export const checkSeconds = 60;

/**
 * The unit that runs the app's checker once, before a release starts: as the site's user, within the limits of one process of
 * the site, and confined like the release itself. It stays `active` when the check passes, so that the agent can see it.
 */
export function renderCheckUnit(site: SitePlan, { start, environment }: Checker): string {
  return `# Looks at the configuration of one release of one site. Started once by the agent, which takes it away again.
[Unit]
Description=Configuration of site ${site.name}, release @RELEASE@

[Service]
Type=oneshot
RemainAfterExit=yes
${runsAs(site)}
${start}
WorkingDirectory=@ROOT@/app
${startEnvironment(site, environment)}
TimeoutStartSec=${checkSeconds}
TimeoutStopSec=5
SyslogIdentifier=${siteUnit(site.name, "check")}
UMask=0027

MemoryMax=${site.processes.memoryBytes}
TasksMax=64
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
${renderSandbox(site.limits, logsOf(site))}`;
}
