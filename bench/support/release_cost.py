"""Runs on a node: what a release costs beside the bare minimum that serves the same app. `python3 - SITE PROCESSES RUNS`.

Nothing but what is measured runs meanwhile: the units of all sites are stopped. Each run, in turn:
ours   the release's own unit, from its start to its first answer; then, when every process has answered, the PSS of all
       processes of the site's user
peer   a bare Apache with mod_wsgi, as many processes, as the same user: the same times and sizes
floor  as many bare Python processes that imported the app and answered one request: their PSS
"""

import http.client
import json
import os
import pwd
import signal
import subprocess
import sys
import tempfile
import threading
import time

SITE, PROCESSES, RUNS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
USER = f"site-{SITE}"
UID = pwd.getpwnam(USER).pw_uid
PORT = 18080

# Runs until it is ended; answers one request first, as the processes it is compared with have.
BARE_PYTHON = """
import os, signal, sys
sys.path.insert(0, "src")
import wsgi
from wsgiref.util import setup_testing_defaults
environ = {"PATH_INFO": "/", "REMOTE_ADDR": "127.0.0.1"}
setup_testing_defaults(environ)
b"".join(wsgi.application(environ, lambda status, headers, error=None: None))
print("ready", flush=True)
signal.pause()
"""

BARE_APACHE = """ServerRoot "{directory}"
ServerName localhost
Listen 127.0.0.1:{port}
DefaultRuntimeDir "{directory}"
PidFile "{directory}/apache.pid"
ErrorLog "{directory}/error.log"
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule wsgi_module /usr/lib/apache2/modules/mod_wsgi.so
StartServers 1
WSGIRestrictEmbedded On
WSGISocketPrefix "{directory}/wsgi"
WSGIDaemonProcess app processes={processes} threads=1 home="{app}" python-path="{app}/src"
WSGIScriptAlias / "{app}/src/wsgi.py" process-group=app application-group=%{{GLOBAL}}
<Directory "{app}/src">
  Require all granted
</Directory>
"""


def ask(address, port, path):
    """The body of a 200; None otherwise."""
    connection = http.client.HTTPConnection(address, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": f"{SITE}.test"})
        answer = connection.getresponse()
        return answer.read().decode() if answer.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def until_answer(start, address, port):
    """Milliseconds from `start` to the first answer."""
    while time.monotonic() < start + 60:
        if ask(address, port, "/") is not None:
            return (time.monotonic() - start) * 1000
        time.sleep(0.002)
    raise SystemExit(f"{address}:{port} gave no answer within 60 s")


def until_all_answered(address, port):
    """Every process has loaded the app: `/process` takes a while and tells which one answered."""
    seen, end = set(), time.monotonic() + 60
    while len(seen) < PROCESSES:
        if time.monotonic() > end:
            raise SystemExit(f"only {len(seen)} of {PROCESSES} processes answered within 60 s")
        threads = [threading.Thread(target=lambda: seen.add(ask(address, port, "/process"))) for _ in range(PROCESSES)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen.discard(None)


def pss(processes):
    """MB of the processes: private pages, and of each shared one the part that falls to them."""
    total = 0
    for process in processes:
        with open(f"/proc/{process}/smaps_rollup", encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith("Pss:"))
    return total / 1024


def processes_of_site():
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == UID:
                    found.append(int(name))
            except FileNotFoundError:
                pass
    return found


def wait_until_none():
    end = time.monotonic() + 60
    while processes_of_site():
        if time.monotonic() > end:
            raise SystemExit(f"processes of {USER} go on")
        time.sleep(0.02)


def as_user(words, directory):
    return subprocess.Popen(
        words, cwd=directory, user=USER, group=USER, extra_groups=[], umask=0o027, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def ours(unit, place):
    start = time.monotonic()
    subprocess.run(["systemctl", "start", unit], check=True)
    milliseconds = until_answer(start, place["address"], place["port"])
    until_all_answered(place["address"], place["port"])
    memory = pss(processes_of_site())
    subprocess.run(["systemctl", "stop", unit], check=True)
    return milliseconds, memory


def peer(app):
    with tempfile.TemporaryDirectory() as directory:
        os.chown(directory, UID, -1)
        config = f"{directory}/apache.conf"
        with open(config, "w", encoding="utf-8") as file:
            file.write(BARE_APACHE.format(directory=directory, port=PORT, processes=PROCESSES, app=app))
        os.chmod(config, 0o644)
        start = time.monotonic()
        apache = as_user(["/usr/sbin/apache2", "-f", config, "-DFOREGROUND"], app)
        try:
            milliseconds = until_answer(start, "127.0.0.1", PORT)
            until_all_answered("127.0.0.1", PORT)
            return milliseconds, pss(processes_of_site())
        finally:
            apache.send_signal(signal.SIGTERM)
            apache.wait()


def floor(app):
    bare = [as_user(["/usr/bin/python3", "-c", BARE_PYTHON], app) for _ in range(PROCESSES)]
    try:
        for process in bare:
            if process.stdout.readline() != b"ready\n":
                raise SystemExit("a bare Python process could not import the app")
        return pss([process.pid for process in bare])
    finally:
        for process in bare:
            process.kill()
            process.wait()


def main():
    with open(f"/srv/silver/{SITE}/state.json", encoding="utf-8") as file:
        release = json.load(file)["live"]
    with open("/var/lib/silver/addresses.json", encoding="utf-8") as file:
        place = json.load(file)["taken"][f"{SITE}/{release}"]
    app = f"/srv/silver/{SITE}/releases/{release}/app"
    subprocess.run(["systemctl", "stop", "silver-*@*.service"], check=True)
    result = {"start": [], "peerStart": [], "memory": [], "peerMemory": [], "floorMemory": []}
    for _ in range(RUNS):
        wait_until_none()
        milliseconds, memory = ours(f"silver-web-{SITE}@{release}.service", place)
        result["start"].append(milliseconds)
        result["memory"].append(memory)
        wait_until_none()
        milliseconds, memory = peer(app)
        result["peerStart"].append(milliseconds)
        result["peerMemory"].append(memory)
        wait_until_none()
        result["floorMemory"].append(floor(app))
    print(json.dumps(result))


main()
