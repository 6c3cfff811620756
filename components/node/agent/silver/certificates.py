"""The certificates of a node that speaks https: one for itself, and one for each site with hosts of its own.

Made and renewed here, each with a new key that never leaves the node. What is served is put in while connections go on.
"""

import hashlib
import os
import re
import secrets
import time

from . import files, node_record, spoiled, unit
from .errors import AgentError, last_lines
from .haproxy_cli import UNIT, HaproxyCli
from .lines import lines_of
from .lock import shared

# The agent's own directory, which the terminator's group enters.
DIRECTORY = "/var/lib/silver/https"
CRT_LIST = f"{DIRECTORY}/crt-list"
GROUP = "haproxy"
# By it the terminator speaks with Varnish, which makes it anew even while it ends, and leaves it behind.
HAND_OVER = "/var/lib/varnish/silver-tls.sock"
# Certificate and key of the checkout that has made this node.
AUTHORITY = "/var/lib/silver/authority.pem"
# For visitors who ask for no name, and for sites that answer to every host. No site has such a name.
OWN = "@node"

DAY = 86_400
# The longest that browsers take.
VALID_DAYS = 398
RENEWED_BEFORE = VALID_DAYS * DAY // 3


def settle(node, wanted):
    """
    Makes what is missing, spoiled, for other names or soon to expire, and has the terminator serve all of it. What can't be renewed
    stays, and a status tells. Returns the changes. Error where a certificate can't be made of which there is none.
    @param wanted: `https` of the node's state
    """
    with shared(node, "https"):
        make_place(node)
        record = read(node)
        changes, missing = [], []
        names = names_of(node, wanted)
        for name in names:
            try:
                changes += renew(node, record, name, names[name])
            except AgentError as error:
                known = record.get(name)
                if known is None or not is_whole(node, name, known):
                    record.pop(name, None)
                    missing.append(error)
                else:
                    record[name] = {**known, "problem": error.message}
                node.say("https", error.message)
        gone = [name for name in record if name not in names]
        for name in gone:
            del record[name]
        keep(node, record)
        changes += list_files(node, record)
        if HaproxyCli(node).answers():
            changes += serve(node, record, names)
        changes += remove_others(node, names)
    if missing:
        raise missing[0]
    return changes


def look(node):
    """The same by what the node's record says; nothing where it speaks no https."""
    wanted = node_record.read(node).get("https")
    return [] if wanted is None else settle(node, wanted)


def make_place(node):
    path = node.paths.at(DIRECTORY)
    files.make_directory_for(path)
    files.make_directory(path, 0o750, node.group(GROUP))


# The record: name → `names` and `until` of its certificate, `serial`, and the digests of its file and of the authority that signed it.


def read(node):
    return spoiled.read(node, record_path(node), is_record, dict) or {}


def record_path(node):
    return node.paths.var("https.json")


def is_record(value):
    return spoiled.has_form(value, {str: {"names": [str], "until": int | float, "serial": str, "file": str, "authority": str}})


def keep(node, record):
    files.write_json(record_path(node), record)


# Names


def names_of(node, wanted):
    """Name of a certificate → the names in it, as openssl writes them."""
    own = [f"DNS:{name}" for name in ("localhost", node.name())] + [f"IP:{address}" for address in ("127.0.0.1", "::1", *addresses(node))]
    return {OWN: own, **{site: [name for host in hosts for name in names_for(host)] for site, hosts in sorted(wanted["hosts"].items())}}


def names_for(host):
    """Of `.acme.net` also what is one level below it: a certificate can't name more."""
    if host.startswith("."):
        return [f"DNS:{host[1:]}", f"DNS:*{host}"]
    return [f"IP:{host}" if re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", host) else f"DNS:{host}"]


def addresses(node):
    """The node's own, without those that it changes by itself."""
    lines = lines_of(node.run(["ip", "-o", "address", "show", "scope", "global"]).out)
    return sorted({found[1] for line in lines if " temporary" not in line and (found := re.search(r" inet6? ([0-9a-f.:]+)/", line))})


# Making


def path_of(node, name):
    return node.paths.at(f"{DIRECTORY}/{name}.pem")


def digest(data):
    return hashlib.sha256(data).hexdigest()


def contents(path):
    """Bytes of a file; none where there is none."""
    try:
        with open(path, "rb", opener=files.at_once) as file:
            return file.read()
    except OSError:
        return b""


def is_whole(node, name, known):
    return digest(contents(path_of(node, name))) == known["file"]


def renew(node, record, name, names):
    """Makes a certificate where it has to be; returns the change."""
    known = record.get(name)
    authority = contents(node.paths.at(AUTHORITY))
    why = reason(node, name, known, names, digest(authority) if authority else None)
    if why is None:
        if known.pop("problem", None) is not None:
            keep(node, record)
        return []
    pem, serial, until = issue(node, name, names)
    entry = {"names": names, "until": until, "serial": serial, "file": digest(pem.encode()), "authority": digest(authority)}
    # The file first: one that the record does not know is made again.
    files.write(path_of(node, name), pem, 0o640, node.group(GROUP))
    record[name] = entry
    keep(node, record)
    return [{"what": f"certificate of {'this node' if name == OWN else name}", "why": why}]


def reason(node, name, known, names, authority):
    """Why a certificate has to be made; None where it is as it should be. Without an authority it can't be known to be another's."""
    if known is None:
        return "there is none"
    if not is_whole(node, name, known):
        return "its file was spoiled"
    # While a node boots it has no address yet.
    if not set(names) <= set(known["names"]) if name == OWN else known["names"] != names:
        return "its names changed"
    if authority is not None and known["authority"] != authority:
        return "another authority signs"
    if known["until"] - time.time() < RENEWED_BEFORE:
        return f"{days_left(known)} days are left"
    return None


def days_left(known):
    return int((known["until"] - time.time()) // DAY)


def issue(node, name, names):
    """Certificate and key in one text, its serial number, and until when it is valid."""
    authority = node.paths.at(AUTHORITY)
    if not contents(authority):
        raise AgentError(
            "file",
            "this checkout's authority for certificates is not on the node",
            fix=f"node components/machines/main.ts start {node.name()}",
        )
    # One that nobody can guess, and always of the same length.
    serial = f"{secrets.randbits(126) | 1 << 126:X}"
    request = f"""[req]
distinguished_name = subject
x509_extensions = own
prompt = no
[subject]
CN = {node.name() if name == OWN else name}
[own]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {", ".join(names)}
"""
    made = int(time.time())
    words = ["-x509", "-sha256", "-days", str(VALID_DAYS), "-set_serial", f"0x{serial}", "-CA", authority, "-CAkey", authority]
    words += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "/dev/stdout", "-out", "/dev/stdout"]
    done = node.run(["openssl", "req", *words, "-config", "/dev/stdin"], stdin=request, ok=None)
    blocks = re.findall(r"-----BEGIN [A-Z ]+-----\n[A-Za-z0-9+/=\n]+-----END [A-Z ]+-----\n", done.out)
    if done.code != 0 or len(blocks) != 2:
        fix = f"node components/machines/main.ts start {node.name()}"
        raise AgentError("file", f"openssl can't sign with {AUTHORITY}", fix=fix, log=last_lines(done.err))
    return "".join(sorted(blocks)), serial, made + VALID_DAYS * DAY


# Serving


def list_files(node, record):
    """What the terminator starts with: the node's own certificate first, for whoever asks for none that is here."""
    paths = [f"{DIRECTORY}/{name}.pem" for name in sorted(record, key=lambda name: (name != OWN, name))]
    why = files.write(node.paths.at(CRT_LIST), "".join(f"{path}\n" for path in paths), 0o640, node.group(GROUP))
    return [{"what": CRT_LIST, "why": why}] if why else []


def serve(node, record, names):
    """Adds to the running terminator what it does not serve yet, and removes what no site has any more; a lost file removes nothing."""
    cli, changes = HaproxyCli(node), []
    for name, known in record.items():
        path = f"{DIRECTORY}/{name}.pem"
        if cli.shown(path).get("Serial") != known["serial"]:
            cli.put(path, contents(path_of(node, name)).decode(), CRT_LIST)
            changes.append({"what": path, "why": "another one was served"})
    for path in cli.listed()[0]:
        if path.startswith(f"{DIRECTORY}/") and path.removeprefix(f"{DIRECTORY}/").removesuffix(".pem") not in names:
            cli.drop(path, CRT_LIST)
            changes.append({"what": path, "why": "no site has it any more"})
    return changes


def remove_others(node, names):
    here = [name[:-4] for name in os.listdir(node.paths.at(DIRECTORY)) if name.endswith(".pem")]
    others = [name for name in here if name not in names]
    return [{"what": f"{DIRECTORY}/{name}.pem", "why": "no site has it any more"} for name in others if files.remove(path_of(node, name))]


# What a status tells


def problems(node):
    """Of each certificate that is expired or can't be renewed, and where another is served; none where the node speaks no https."""
    wanted = node_record.read(node).get("https")
    if wanted is None:
        return []
    record, cli, found = read(node), HaproxyCli(node), []
    for name in [OWN, *sorted(wanted["hosts"])]:
        whose = "this node" if name == OWN else name
        known = record.get(name)
        if known is None:
            found.append(f"there is no certificate of {whose}")
            continue
        left, why = days_left(known), f": {known['problem']}" if "problem" in known else ""
        if left < 0:
            found.append(f"the certificate of {whose} is expired{why}")
        elif why:
            found.append(f"the certificate of {whose} can't be renewed, {left} days are left{why}")
    if cli.answers():
        try:
            shown = {name: cli.shown(f"{DIRECTORY}/{name}.pem").get("Serial") for name in record}
        except AgentError as error:
            return [*found, error.message]
        others = ["this node" if name == OWN else name for name, serial in shown.items() if serial != record[name]["serial"]]
        found += [f"visitors of {whose} get another certificate than the node has for it" for whose in others]
    return found


def leave(node):
    """Of a node that is to speak https no more: takes the terminator and all certificates away. Returns the changes."""
    trees = [node.paths.at(path) for path in (DIRECTORY, f"{DIRECTORY}.gone", "/etc/silver/https", "/etc/silver/https.gone")]
    if not any(os.path.lexists(path) for path in (node.paths.unit(UNIT), *trees, record_path(node))):
        return []
    unit.remove(node, UNIT)
    unit.reload(node)
    for path in trees:
        files.remove_tree(path)
    files.remove(record_path(node))
    return [{"what": UNIT, "why": "this node speaks no https any more"}]
