"""What is written for a site's server: its settings, its unit, and the units of its proxy."""

from ... import files, own_server, volume
from . import login, names

MEGABYTE = 1024 * 1024
# Inside of its own network.
PORT = 5672
# Of a log that stands before the queues which are copied to several nodes elsewhere, and takes up to three times as much.
LOG_BYTES = 16 * MEGABYTE
MOST_QUEUES = 1000
# The site can't change these: only root can write them.
ENDS = (".conf", ".json", ".plugins")


def settings_files(node, use, word):
    return {".conf": settings_text(node, use), ".json": definitions(use, word), ".plugins": "[].\n"}


def definitions(use, word):
    """The site's virtual host and user, and no other: in the file's absence the server would make `guest`."""
    limits = {"max-connections": own_server.places(use.options["connections"]), "max-queues": MOST_QUEUES}
    user = {"name": use.user, "password_hash": login.digest(word), "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": ""}
    return files.canonical(
        {
            "vhosts": [{"name": use.site}],
            "users": [user],
            "permissions": [{"user": use.user, "vhost": use.site, "configure": ".*", "write": ".*", "read": ".*"}],
            "parameters": [{"component": "vhost-limits", "name": "limits", "vhost": use.site, "value": limits}],
        }
    )


def settings_text(node, use):
    return f"""# Made by silver. RabbitMQ of the site {use.site}, data generation g{use.generation}.
# quota = {use.options["bytes"]}
listeners.tcp.1 = 127.0.0.1:{PORT}
handshake_timeout = {own_server.SILENT_SECONDS * 1000}
channel_max = 256
load_definitions = {names.settings(use)}.json
vm_memory_high_watermark.absolute = {use.options["memory"]}
# Of its disk, so that what it may fill is the quota.
disk_free_limit.absolute = {volume.room(node, names.place(use)) - use.options["bytes"]}
raft.wal_max_size_bytes = {LOG_BYTES}
log.file = false
log.console = true
log.console.level = warning
# Whoever comes and says nothing, as the agent does, is not worth a line; a refused login is.
log.connection.level = error
"""


def environment(use):
    """Everything that its scripts would otherwise take from the distribution's places."""
    own, conf = names.place(use), names.settings(use)
    return {
        "HOME": own,
        "RABBITMQ_NODENAME": "rabbit@localhost",
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_CONFIG_FILE": f"{conf}.conf",
        "RABBITMQ_ENABLED_PLUGINS_FILE": f"{conf}.plugins",
        "RABBITMQ_MNESIA_BASE": own,
        "RABBITMQ_MNESIA_DIR": f"{own}/data",
        "RABBITMQ_FEATURE_FLAGS_FILE": f"{own}/feature_flags",
        "RABBITMQ_SCHEMA_DIR": f"{own}/schema",
        "RABBITMQ_GENERATED_CONFIG_DIR": f"{own}/config",
        "RABBITMQ_LOG_BASE": own,
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_PID_FILE": "/dev/null",
        "ERL_CRASH_DUMP_SECONDS": "0",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        # One scheduler: many servers are on one node.
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 -kernel inet_dist_use_interface {127,0,0,1}",
    }


def unit_text(use):
    """Confined like a release: writes only to its own directory, a network of its own, no capabilities."""
    variables = "\n".join(f'Environment="{name}={value}"' for name, value in environment(use).items())
    return f"""# Made by silver. RabbitMQ of the site {use.site}, data generation g{use.generation}. Restarted, never reloaded.
[Unit]
Description=RabbitMQ of the site {use.site}, data generation g{use.generation}
RequiresMountsFor={names.place(use)}
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
User={names.server_user(use)}
Group={use.user}
Slice={own_server.slice_name(use.site)}
{variables}
ExecStart=/usr/lib/rabbitmq/bin/rabbitmq-server
KillMode=mixed
Restart=always
RestartSec=1
{own_server.PATIENCE}
TimeoutStopSec=60
SyslogIdentifier=silver-rabbitmq-{use.site}
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

UMask=0077
OOMPolicy=stop
# What it cleans up is copied: it may take twice as much for a moment.
MemoryMax={2 * use.options["memory"]}
TasksMax=128
LimitNOFILE=16384
LimitCORE=0

ProtectSystem=strict
ReadWritePaths={names.place(use)}
TemporaryFileSystem=/tmp:size=16M,mode=1777,nodev,nosuid /var/tmp:ro /run/lock:ro /dev/shm:ro
{own_server.SANDBOX}# Erlang's own ports, too, are there alone.
PrivateNetwork=yes
RestrictAddressFamilies=AF_INET

[Install]
WantedBy=multi-user.target
"""


def socket_text(use, found):
    return f"""# Made by silver. Where the site {use.site} comes to its RabbitMQ.
[Unit]
Description=Proxy of RabbitMQ of the site {use.site}, data generation g{use.generation}

[Socket]
ListenStream={found["address"]}:{found["port"]}

[Install]
WantedBy=multi-user.target
"""


def proxy_text(use):
    """Has a socket of the node's network from systemd, and is itself in the server's."""
    most = 2 * own_server.places(use.options["connections"])
    return f"""# Made by silver. Passes connections of the site {use.site} on to its RabbitMQ.
[Unit]
Description=Proxy of RabbitMQ of the site {use.site}, data generation g{use.generation}
After={names.service(use)}
PartOf={names.proxy(use, "socket")}
JoinsNamespaceOf={names.service(use)}
StartLimitIntervalSec=0

[Service]
Type=notify
User={names.server_user(use)}
Group={use.user}
Slice={own_server.slice_name(use.site)}
ExecStart=/usr/lib/systemd/systemd-socket-proxyd --connections-max={most} 127.0.0.1:{PORT}
{own_server.PATIENCE}
SyslogIdentifier=silver-rabbitmq-{use.site}
LogRateLimitIntervalSec=30
LogRateLimitBurst=200

MemoryMax=64M
TasksMax=32
LimitNOFILE=16384
LimitCORE=0

ProtectSystem=strict
TemporaryFileSystem=/tmp:ro /var/tmp:ro /run/lock:ro /dev/shm:ro
{own_server.SANDBOX}PrivateNetwork=yes
RestrictAddressFamilies=AF_INET
"""
