"""Varnish's CLI, through its own program."""

import json
import time

from .errors import AgentError, last_lines

# systemd considers Varnish started while it still compiles what boot.cli names.
START_SECONDS = 30


class VarnishCli:
    def __init__(self, node):
        self.node = node

    def __call__(self, *words):
        """Runs a command and returns its output. Error `vcl` with Varnish's own message, or when it can't be reached."""
        end = time.monotonic() + START_SECONDS
        while True:
            done = self.node.run(["varnishadm", "-T", "127.0.0.1:6082", "-S", "/etc/varnish/secret", *words], ok=None)
            if done.code == 0:
                return done.out
            said = done.out + "\n" + done.err
            if "Connection failed" not in said:
                raise AgentError("vcl", f"Varnish refused `{' '.join(words)}`", log=last_lines(said))
            if not self.running() or time.monotonic() > end:
                raise AgentError("vcl", "Varnish is not running on this node", fix="systemctl status varnish", log=last_lines(said))
            time.sleep(0.1)

    def running(self):
        return self.node.run(["systemctl", "is-active", "--quiet", "varnish.service"], ok=None).code == 0

    def list(self):
        """(VCL name → whether it is active, label → the VCL it points to)."""
        vcls, labels = {}, {}
        said = self("vcl.list", "-j")
        try:
            entries = json.loads(said)[3:]
        except ValueError:
            fix = "raise cli_limit: varnishadm param.set cli_limit 16m"
            raise AgentError("vcl", f"Varnish cut its list of VCLs off after {len(said)} bytes", fix=fix) from None
        for entry in entries:
            # Discarded, but listed while a request uses it: its name is free.
            if entry["status"] == "discarded":
                continue
            if "label" in entry:
                labels[entry["name"]] = entry["label"]["name"]
            else:
                vcls[entry["name"]] = entry["status"] == "active"
        return vcls, labels

    def requests(self, vcl):
        """Requests in hand at a VCL's backends; 0 for a VCL that is gone or cold."""
        done = self.node.run(["varnishstat", "-1", "-j", "-f", f"VBE.{vcl}.*.conn"], ok=None)
        if done.code != 0:
            return 0
        counters = json.loads(done.out).get("counters", {})
        return sum(counter["value"] for counter in counters.values())
