"""Names and places of a site's server, derived from the site and the generation of its data, and its memory."""

# What it takes while it holds nothing, and had its hands full before.
OWN_MEMORY = 160 * 1024 * 1024


def server_user(use):
    return f"mq-{use.site}"


def place(use):
    return f"/srv/silver/{use.site}/data/rabbitmq/g{use.generation}"


def settings(use):
    return f"/etc/silver/rabbitmq/{use.site}-g{use.generation}"


def service(use):
    return f"silver-rabbitmq-{use.site}@g{use.generation}.service"


def way(use, end):
    """The units of the way to it, by the end of their names. With a hyphen, a site could be called as the rest of one is."""
    return f"silver-rabbitmqway-{use.site}@g{use.generation}.{end}"


def key(use):
    """Of its address in the node's table."""
    return f"rabbitmq-g{use.generation}"


def what(use):
    return f"RabbitMQ of the site {use.site}: its disk is the size of the image."


def memory(use):
    """Bytes above which it takes no messages."""
    return OWN_MEMORY + use.options["memory"]
