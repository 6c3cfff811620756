"""Runs on a node with the sites `one` and `two`: what a server of PostgreSQL costs, a site's own and a shared one. `python3 - RUNS`."""

import glob
import json
import os
import pwd
import subprocess
import sys
import time

RUNS = int(sys.argv[1])
OWN = {site: f"silver-postgres-{site}@g1.service" for site in ("one", "two")}
(VERSION,) = os.listdir("/usr/lib/postgresql")
SHARED = f"postgresql@{VERSION}-shared.service"
IDLE_SECONDS = 5


def run(*argv):
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def start(unit):
    """Milliseconds until it lets a session in: either unit tells systemd so."""
    before = time.monotonic()
    run("systemctl", "start", unit)
    return (time.monotonic() - before) * 1000


def memory(user):
    """MB of all processes of a user that are PostgreSQL's."""
    total = 0
    for place in glob.glob("/proc/[0-9]*"):
        try:
            if os.stat(place).st_uid != pwd.getpwnam(user).pw_uid or not os.readlink(f"{place}/exe").endswith("/bin/postgres"):
                continue
            with open(f"{place}/smaps_rollup") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except OSError:
            continue
    return total / 1024


def disk(directory):
    return int(run("du", "--summarize", "--block-size=1", directory).split()[0]) / 1024**2


def make_shared():
    run("pg_createcluster", VERSION, "shared")
    with open(f"/etc/postgresql/{VERSION}/shared/conf.d/bench.conf", "w") as file:
        file.write("max_connections = 1000\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", SHARED)
    for site in OWN:
        run("runuser", "-u", "postgres", "--", "psql", "--quiet", f"--cluster={VERSION}/shared", "-c", f"CREATE DATABASE {site}")
    run("systemctl", "stop", SHARED)


def main():
    run("systemctl", "stop", "silver-*@*.service", "silver-*.timer", "varnish.service")
    make_shared()
    found = {name: ([], []) for name in ("start", "memory", "both", "disk")}
    for _ in range(RUNS):
        found["start"][0].append(start(OWN["one"]))
        start(OWN["two"])
        time.sleep(IDLE_SECONDS)
        each = [memory(f"pg-{site}") for site in OWN]
        found["memory"][0].append(each[0])
        found["both"][0].append(sum(each))
        found["disk"][0].append(disk("/srv/silver/one/data/pg/g1"))
        run("systemctl", "stop", *OWN.values())
        found["start"][1].append(start(SHARED))
        time.sleep(IDLE_SECONDS)
        shared = memory("postgres")
        found["memory"][1].append(shared)
        found["both"][1].append(shared)
        found["disk"][1].append(disk(f"/var/lib/postgresql/{VERSION}/shared"))
        run("systemctl", "stop", SHARED)
    print(json.dumps(found))


main()
