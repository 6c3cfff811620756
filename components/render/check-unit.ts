import type { SiteConfigDirectory, SitePlan } from "../plan/plan.ts";
import { siteUnit } from "../plan/site-name.ts";
import { renderSandbox } from "./unit-file.ts";

/** Seconds a checker may take. It looks at values: what takes longer waits for something. */
export const checkSeconds = 60;

/**
 * The unit that runs the app's checker once, before a release starts: as the site's user, within the limits of one process of
 * the site, and shut in as the release itself is. It stays `active` when the checker is content, so that the agent can see it.
 */
export function renderCheckUnit(site: SitePlan, checker: string): string {
  const program = site.platform === "php" ? phpChecker(site, checker) : pythonChecker(checker);
  return `# Looks at the configuration of one release of one site. Started once by the agent, which takes it away again.
[Unit]
Description=Configuration of site ${site.name}, release @RELEASE@

[Service]
Type=oneshot
RemainAfterExit=yes
User=${site.user}
Group=${site.user}
${program}
WorkingDirectory=@ROOT@/app
Environment=LANG=C.UTF-8${site.platform === "python" ? " PYTHONUNBUFFERED=1" : ""}
TimeoutStartSec=${checkSeconds}
TimeoutStopSec=5
SyslogIdentifier=${siteUnit(site.name, "check")}
LogsDirectory=silver/${site.name}
LogsDirectoryMode=0750
UMask=0027

MemoryMax=${site.processes.memoryBytes}
TasksMax=64
LimitNOFILE=16384
LimitCORE=0

SocketBindDeny=any
${renderSandbox("")}`;
}

const pythonChecker = (checker: string) => `# -P: conf/ is not on sys.path, as it is not in the app's own processes.
ExecStart=/usr/bin/python3 -P @ROOT@/conf/check.py ${checker}`;

/** With the variables that the app has, and the directory as its argument. */
function phpChecker({ configDirectory }: SitePlan, checker: string): string {
  const settings = "-d auto_prepend_file=@ROOT@/conf/prepend.php -d display_errors=stderr";
  const argument = configDirectory === undefined ? "" : ` @ROOT@/${configPath(configDirectory)}`;
  return `ExecStart=/usr/bin/php ${settings} @ROOT@/app/${checker}${argument}`;
}

/** Where a release has its configuration directory: its own, or one of its app. */
export function configPath(directory: SiteConfigDirectory): string {
  return directory.of === "app" ? `app/${directory.path}` : "config";
}
