"""The address of a site's own server, where an app comes by address, port and password: the site may come to it, and nobody else."""

from . import addresses, firewall, own_server


def take(node, use, key, server):
    """
    Takes an address for a server, where it has none, and opens it to the site.
    @param key: of the server in the node's table
    @param server: the user that listens there
    """
    found = addresses.take(node, use.site, key, server)
    firewall.update(node)
    return found


def give_back(node, use, key):
    if addresses.give_back(node, use.site, key):
        firewall.update(node)


def admit(node, use, key, mode):
    """Lets the site come to its server's address, where that has one, as the mode of its socket's directory does there."""
    has_address = addresses.find(node, use.site, key) is not None
    if has_address and addresses.close(node, use.site, key, mode == own_server.CLOSED):
        firewall.update(node)


def unit_lines(place):
    """Lines of [Service], beyond those of the sandbox, for a server that listens there itself."""
    return f"""RestrictAddressFamilies=AF_INET
IPAddressDeny=any
IPAddressAllow=localhost
SocketBindDeny=any
SocketBindAllow=ipv4:tcp:{place["port"]}
"""
