"""Runs on a node: how many requests a second its sites answer beside nginx and gunicorn on the same cores.

`python3 - RUNS SECONDS CONNECTIONS`, as root. Each run asks every row in turn, ours and its peer one right after the other, by wrk
on the node itself. Prints as JSON, for each row and each side, requests a second and the milliseconds of 99 of 100 answers.
The peer's files stand in a directory of their own, which is removed again, and nginx listens on a loopback port alone.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

RUNS, SECONDS, CONNECTIONS = (int(word) for word in sys.argv[1:])
USER = "www-data"
NGINX, GUNICORN = 18081, 18082

# A location for files, one for what may be kept, one for the app; everything else as the package has it.
CONFIG = """user {user};
worker_processes auto;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
  include /etc/nginx/mime.types;
  access_log off;
  sendfile on;
  keepalive_requests 1000000;
  proxy_cache_path {directory}/cache keys_zone=kept:1m;
  proxy_temp_path {directory}/temporary;
  upstream app {{ server 127.0.0.1:{gunicorn}; keepalive 32; }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_set_header Host $host;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  server {{
    listen 127.0.0.1:{nginx};
    root {app}/static;
    location = /file.txt {{ }}
    location = /kept {{ proxy_cache kept; proxy_pass http://app; }}
    location / {{ proxy_pass http://app; }}
  }}
}}
"""

# Name of a row: path, host of our site.
ROWS = {
    "cached": ("/kept", "plain.test"),
    "static": ("/file.txt", "plain.test"),
    "dynamic": ("/page", "plain.test"),
    "dynamic, processes replaced": ("/page", "replaced.test"),
}


def install():
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", "nginx-light", "gunicorn", "wrk"]):
        done = subprocess.run(["apt-get", *words], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise SystemExit(f"apt-get {words[0]}: {done.stderr}")
    # The package's own server listens on port 80, or tries to.
    subprocess.run(["systemctl", "disable", "--quiet", "--now", "nginx.service"], check=False)


def until_answers(url):
    end = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.read()
        except OSError:
            if time.monotonic() > end:
                raise SystemExit(f"{url} gave no answer within 30 s") from None
            time.sleep(0.05)


def milliseconds(text):
    number, unit = re.fullmatch(r"([0-9.]+)(us|ms|s)", text).groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measure(port, path, host):
    words = ["wrk", "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{SECONDS}s", "--timeout", "30s", "--latency"]
    url = f"http://127.0.0.1:{port}{path}"
    said = subprocess.run([*words, "--header", f"Host: {host}", url], capture_output=True, text=True, check=True).stdout
    if re.search("Non-2xx|Socket errors", said):
        raise SystemExit(f"{url} ({host}): not all requests were answered:\n{said}")
    return {
        "perSecond": float(re.search(r"Requests/sec: +([0-9.]+)", said)[1]),
        "slow": milliseconds(re.search(r"99% +([0-9.]+[a-z]+)", said)[1]),
    }


def main():
    install()
    with open("/srv/silver/plain/state.json", encoding="utf-8") as file:
        app = f"/srv/silver/plain/releases/{json.load(file)['live']}/app"
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        own = f"{directory}/app"
        # Readable for the peer's user, as a release is for its site alone.
        shutil.copytree(app, own)
        subprocess.run(["chmod", "-R", "u+w,a+rX", own], check=True)
        config = f"{directory}/nginx.conf"
        with open(config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(user=USER, directory=directory, app=own, nginx=NGINX, gunicorn=GUNICORN))
        words = ["gunicorn", "--workers", "2", "--threads", "4", "--bind", f"127.0.0.1:{GUNICORN}", "wsgi:application"]
        gunicorn = subprocess.Popen(words, cwd=f"{own}/src", user=USER, group=USER, extra_groups=[], stderr=subprocess.DEVNULL)
        nginx = subprocess.Popen(["nginx", "-c", config, "-g", "daemon off;"])
        try:
            result = {row: {"ours": [], "peer": []} for row in ROWS}
            for path, _ in ROWS.values():
                until_answers(f"http://127.0.0.1:{NGINX}{path}")
            for _ in range(RUNS):
                for row, (path, host) in ROWS.items():
                    result[row]["ours"].append(measure(80, path, host))
                    result[row]["peer"].append(measure(NGINX, path, host))
        finally:
            for process in (nginx, gunicorn):
                process.terminate()
                process.wait()
    print(json.dumps(result))


main()
