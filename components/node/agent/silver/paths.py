"""Where everything is on a node. Tests prefix their own directory."""

import os.path


class Paths:
    def __init__(self, root="/"):
        self.root = root

    def at(self, path):
        """The real path of an absolute path on the node."""
        return os.path.join(self.root, path.lstrip("/"))

    # Sites
    def sites(self):
        return self.at("/srv/silver")

    def archive(self):
        return self.at("/srv/silver/.archive")

    def site(self, site):
        return self.at(f"/srv/silver/{site}")

    def releases(self, site):
        return f"{self.site(site)}/releases"

    def release(self, site, release):
        return f"{self.releases(site)}/{release}"

    def state(self, site):
        return f"{self.site(site)}/state.json"

    def history(self, site):
        return f"{self.site(site)}/history.jsonl"

    def journal(self, site):
        return f"{self.site(site)}/journal.json"

    def services(self, site):
        return f"{self.site(site)}/services.json"

    def external_secrets(self, site):
        """Of services that somebody else runs: only root reads it."""
        return f"{self.site(site)}/external.json"

    def check(self, site, release):
        """How the release is checked."""
        return f"{self.release(site, release)}/check.json"

    def former_secrets(self, site):
        return f"{self.site(site)}/former-secrets.json"

    def logs(self, site):
        return self.at(f"/var/log/silver/{site}")

    # The agent's own records
    def var(self, name):
        return self.at(f"/var/lib/silver/{name}")

    def vcl_directory(self):
        return self.at("/var/lib/silver/varnish")

    def vcl(self, name):
        return f"{self.vcl_directory()}/{name}.vcl"

    def kept_vcl(self, name):
        """Says whose VCL it is that waits to be discarded."""
        return f"{self.vcl_directory()}/{name}.kept"

    def runs(self):
        """Of each command that runs, what it needs and how it ended."""
        return self.var("runs")

    # systemd
    def unit(self, unit):
        return self.at(f"/etc/systemd/system/{unit}")

    def unit_link(self, unit):
        """The link that `systemctl enable` makes for a unit with WantedBy=multi-user.target."""
        return self.at(f"/etc/systemd/system/multi-user.target.wants/{unit}")


UNITS = "/etc/systemd/system/"
TOP_VCL = "/etc/silver/varnish/top.vcl"
S503_VCL = "/etc/silver/varnish/s503.vcl"
BOOT_CLI = "/var/lib/silver/varnish/boot.cli"
NFT_CONF = "/etc/silver/nft.conf"
FIREWALL = "/var/lib/silver/firewall.nft"
