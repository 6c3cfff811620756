"""What a site has beside its processes: made before a release starts, and never taken away by the agent."""

from . import releases


def packages(services):
    return [name for service in services["setUp"] for name in service["packages"]]


def is_own(site, service, generation):
    """Whether all that a service names is of this site: nothing of another may be touched under its lease."""
    own = site.replace("-", "_")
    names = {"postgres": ("database", f"{own}_g{generation}"), "files": ("directory", releases.data(site, generation))}
    key, expected = names[service["type"]]
    return service["user"] == f"site-{site}" and service[key] == expected and service.get("owner", f"{own}_owner") == f"{own}_owner"


def set_up(node, site, services):
    """Makes every service what it should be; the changes. Data that is there is left alone. Error `service`."""
    changes = []
    for service in services["setUp"]:
        match service["type"]:
            case "postgres":
                from . import postgres

                changes += postgres.set_up(node, site, service)
            case "files":
                from . import quota

                changes += quota.set_up(node, site, service)
    return changes
