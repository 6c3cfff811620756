import type { JobPlan, SitePlan } from "../plan/plan.ts";
import { appLimits } from "../platforms/capacity.ts";
import { unitRoles, type ConfFile } from "../platforms/platform.ts";
import { siteSlice, siteUnit } from "../plan/site-name.ts";
import { calendarEvents } from "./calendar.ts";
import { commandLine, renderCommandUnit, writeEnding } from "./command-unit.ts";
import { runPlaceholder, type ReleaseUnit } from "./rendered.ts";
import { renderAgentSandbox } from "./sandbox.ts";
import { renderWorkerUnit } from "./unit-file.ts";

/** Where the words of a worker or a job are, below `conf`. */
const commandOf = (unit: string): string => `commands/${unit}`;

/** Between two `@` the agent would put what only the node knows. */
const commandFile = (unit: string, run: string): ConfFile => ({
  name: `${commandOf(unit)}/command.json`,
  content: `${JSON.stringify(run.split(" ").filter((word) => word !== "")).replaceAll("@", "\\u0040")}\n`,
});

/** The units of what works beside a site's requests, as a release's record lists them. */
export function workUnits({ work }: SitePlan): ReleaseUnit[] {
  const workers = (work?.workers ?? []).flatMap(({ name, count }) =>
    Array.from({ length: count }, (_, index): ReleaseUnit => ({
      role: "worker",
      name: `${name}-${index + 1}`,
      file: `conf/worker.${name}.service`,
      starts: unitRoles.worker,
    })),
  );
  const jobs = (work?.jobs ?? []).flatMap(({ name }): ReleaseUnit[] => [
    { role: "cron", name, file: `conf/cron.${name}.service`, starts: "timer" },
    { role: "cron", name, kind: "timer", file: `conf/cron.${name}.timer`, starts: unitRoles.cron },
  ]);
  return [...workers, ...jobs];
}

/** Their files. */
export function workFiles(site: SitePlan): ConfFile[] {
  const { workers = [], jobs = [] } = site.work ?? {};
  return [
    ...workers.flatMap((worker) => {
      const unit = `worker.${worker.name}`;
      return [
        { name: `${unit}.service`, content: renderWorkerUnit(site, worker, commandLine(`@ROOT@/conf/${commandOf(unit)}`)) },
        commandFile(unit, worker.run),
      ];
    }),
    ...jobs.flatMap((job) => [
      { name: `cron.${job.name}.timer`, content: renderTimer(site, job) },
      { name: `cron.${job.name}.service`, content: renderStart(site, job) },
      { name: `job.${job.name}.service`, content: renderJob(site, job) },
      commandFile(`job.${job.name}`, job.run),
    ]),
  ];
}

function renderTimer(site: SitePlan, { name, at, zone }: JobPlan): string {
  return `# When a job of one release of one site is to start: ${at}. It runs in the live release alone.
[Unit]
Description=Times of job ${name} of site ${site.name}, release @RELEASE@

[Timer]
${calendarEvents(at, zone)
  .map((event) => `OnCalendar=${event}`)
  .join("\n")}
AccuracySec=1s

[Install]
WantedBy=multi-user.target
`;
}

/**
 * Begins words that run once it is their turn among the same of all the site's jobs: 128 may be due in the same second, and each agent is
 * a Python of root's. Who can open the file could lock it, so only root can.
 */
const inTurn = ({ name }: SitePlan, what: "start" | "end"): string => `/usr/bin/flock --no-fork /run/silver-jobs-${name}.${what}`;
const agent = "/usr/local/bin/silver-agent";

/** The agent decides whether a job that is due really starts, and makes its unit. */
function renderStart(site: SitePlan, { name, overlap }: JobPlan): string {
  return `# Starts a job of one release of one site, unless it has to wait for its last run. Each run is a transient unit.
[Unit]
Description=Start of job ${name} of site ${site.name}, release @RELEASE@

[Service]
Type=oneshot
Slice=${siteSlice(site.name)}
ExecStart=${inTurn(site, "start")} ${agent} start-job ${site.name} @RELEASE@ ${name} ${overlap}
UMask=0077
SyslogIdentifier=${siteUnit(site.name, "cron", name)}
# systemd would tell of each start.
SyslogLevel=notice
LogLevelMax=notice

${renderAgentSandbox()}`;
}

/** Seconds that a run has to end after SIGTERM. */
const lastSeconds = 30;
/** How a run ended, until the agent has read it. */
const written = `/run/silver-job-${runPlaceholder}`;

function renderJob(site: SitePlan, { name, timeoutSeconds, memoryBytes }: JobPlan): string {
  return renderCommandUnit(site, {
    about: "A run of a job of one release of one site.",
    description: `Job ${name} of site ${site.name}, release @RELEASE@`,
    directory: `@ROOT@/conf/${commandOf(`job.${name}`)}`,
    // Who has its turn records all that is written by then, and the others have nothing left to do.
    afterwards: [
      writeEnding(written),
      `/usr/bin/env --ignore-environment ${inTurn(site, "end")} /bin/sh -c '[ ! -e ${written} ] || exec ${agent} end-job ${site.name} ${name} ${runPlaceholder}'`,
    ],
    ending: [`RuntimeMaxSec=${timeoutSeconds}`, "KillMode=mixed", `TimeoutStopSec=${lastSeconds}`],
    identifier: siteUnit(site.name, "job", name),
    limits: appLimits({ tasks: 1, memoryBytes }, site.limits),
  });
}
