"""Names and places of a site's server, derived from the site and the generation of its data."""


def server_user(use):
    return f"mq-{use.site}"


def place(use):
    return f"/srv/silver/{use.site}/data/rabbitmq/g{use.generation}"


def settings(use):
    return f"/etc/silver/rabbitmq/{use.site}-g{use.generation}"


def service(use):
    return f"silver-rabbitmq-{use.site}@g{use.generation}.service"


def proxy(use, end):
    """The units of its proxy, by the end of their names. With a hyphen, a site could be called as the rest of one is."""
    return f"silver-rabbitmqproxy-{use.site}@g{use.generation}.{end}"


def key(use):
    """Of its address in the node's table."""
    return f"rabbitmq-g{use.generation}"


def what(use):
    return f"RabbitMQ of the site {use.site}: its disk is the size of the image."
