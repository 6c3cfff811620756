/** Varnish on port 80 with the sites' labels from boot.cli, instead of the one VCL and port 6081 of Debian's unit. */
export function renderVarnishDropIn(): string {
  return `# Made by silver. Varnish is changed by its labels while it runs: a restart would drop its cache and every client.
[Unit]
After=silver-nft.service silver-boot.service
Wants=silver-nft.service silver-boot.service

[Service]
# Transient holds what is not cached, whole: uploads on their way in, large answers on their way out to slow clients.
# A VCL is compiled for each release, and for each site when Varnish starts: without optimising that takes a third of the time.
# Debian 13 has gcc under this name alone.
ExecStart=
ExecStart=/usr/sbin/varnishd -j unix,user=vcache -F -a :80 -b none -I /var/lib/silver/varnish/boot.cli \\
  -T 127.0.0.1:6082 -S /etc/varnish/secret -s malloc,256m -s Transient=malloc,1g \\
  -p "cc_command=exec $$(uname -m)-linux-gnu-gcc -O0 -pthread -fpic -shared -Wl,-x -o %%o %%s"
# There is nothing to reload: labels are turned by the agent.
ExecReload=
Restart=always
RestartSec=1
`;
}

/** Loads the firewall before anything it protects. */
export function renderFirewallUnit(): string {
  return `# Made by silver. Loads who may speak with whom on the loopback addresses; loading it again cuts no connection.
[Unit]
Description=Firewall between the sites of this node
DefaultDependencies=no
After=local-fs.target
Before=network-pre.target varnish.service shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/silver/nft.conf
ExecReload=/usr/sbin/nft -f /etc/silver/nft.conf

[Install]
WantedBy=multi-user.target
`;
}

/** After a boot: ends what a dead rollout left, and rewrites what Varnish starts with. */
export function renderBootUnit(): string {
  return `# Made by silver. Puts every site right after a boot, before Varnish lets anyone in. Safe to run again.
[Unit]
Description=Sites of this node after a boot
After=silver-nft.service
Before=varnish.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/bin/silver-agent recover

[Install]
WantedBy=multi-user.target
`;
}

/** Undoes or finishes a rollout whose agent was killed. Skipped when nothing is under way. */
export function renderRecoverUnit(): string {
  return `# Made by silver. Undoes or finishes what a dead agent left; sites that a session leads are left to it.
[Unit]
Description=Rollouts that nobody leads any more
ConditionPathExistsGlob=/srv/silver/*/journal.json
After=silver-boot.service

[Service]
Type=oneshot
ExecStart=/usr/local/bin/silver-agent recover
# systemd would tell twice a minute that there was nothing to do.
SyslogLevel=notice
LogLevelMax=notice
`;
}

/** Checks the size of databases and log files. Skipped when no site has ever run. */
export function renderMeasureUnit(): string {
  return `# Made by silver. Stops sites that write more than their quota into a database, and empties log files that are too large.
[Unit]
Description=Sizes of what the sites of this node write
ConditionPathExistsGlob=/var/log/silver/*

[Service]
Type=oneshot
ExecStart=/usr/local/bin/silver-agent measure
# What it does to a site is told among that site's own lines; systemd would tell twice a minute that there was nothing to do.
StandardOutput=null
SyslogLevel=notice
LogLevelMax=notice
`;
}

export function renderMeasureTimer(): string {
  return `# Made by silver.
[Unit]
Description=Measures what the sites of this node write

[Timer]
OnCalendar=*:*:15,45
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}

export function renderRecoverTimer(): string {
  return `# Made by silver.
[Unit]
Description=Looks for rollouts that nobody leads any more

[Timer]
OnCalendar=*:*:00,30
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
