"""What a container consists of on its host: the parts that follow from it. Every verb is made of these."""

from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts.firewall import Port
from skerry.parts.proxy import Route
from skerry.parts.ready import Ready
from skerry.parts.storage import Volume
from skerry.parts.unit import Unit


def unit_name(container_id: str) -> str:
    """The name of the unit of the container with that id."""
    return f"skerry-{container_id}.service"


def volume(container: Container) -> Volume:
    """Its own files."""
    return Volume(id=container.id, disk=container.spec.disk)


def port(host: HostConfig, container: Container) -> Port:
    """Its entries in the firewall."""
    own = addresses(host, container.slot)
    return Port(
        slot=container.slot, mac=own.mac, ipv4=own.ipv4, ipv6=own.ipv6, services=container.spec.ports()
    )


def command(container: Container) -> tuple[str, ...]:
    """The program that it runs.

    Raises:
        SkerryError: neither the container nor its image names one.
    """
    found = tuple(container.spec.command or container.image.command)
    if not found:
        raise SkerryError(
            Code.INVALID,
            f"container {container.key}: image {container.image.name} names no program",
            "Give 'command', or import the image with one",
        )
    return found


def environment(container: Container) -> tuple[str, ...]:
    """Its environment: what the host says comes last and wins."""
    own = {
        "SKERRY_ID": container.id,
        "SKERRY_REALM": container.key.realm,
        "SKERRY_PROJECT": container.key.project,
        "SKERRY_NAME": container.key.name,
    }
    path = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/root",
        "LANG": "C.UTF-8",
    }
    merged = path | container.image.env | container.spec.env | own
    return tuple(f"{name}={value}" for name, value in merged.items())


def unit(container: Container, grace: float = 0.0) -> Unit:
    """Its unit; when that is removed, its program has ``grace`` seconds to end by itself."""
    return Unit(
        id=container.id,
        realm_id=container.realm_id,
        project_id=container.project_id,
        hostname=container.key.name,
        slot=container.slot,
        image_digest=container.image.digest,
        command=command(container),
        env=environment(container),
        memory=container.spec.memory,
        cpu=container.spec.cpu,
        pids=container.spec.pids,
        grace=grace,
    )


def routes(host: HostConfig, container: Container) -> tuple[Route, ...]:
    """Its URLs: each to its port where the container is wanted to run, else to the page that says it is stopped."""
    ip = addresses(host, container.slot).ipv4 if container.wanted == "started" else ""
    return tuple(
        Route(
            host=name,
            ip=ip,
            port=target,
            realm=container.key.realm,
            project=container.project_id,
            instance=container.id,
        )
        for name, target in container.host_names(host.domain).items()
    )


def ready(host: HostConfig, container: Container, timeout: float) -> Ready:
    """That its plain URL's port answers."""
    return Ready(
        id=container.id,
        address=addresses(host, container.slot).ipv4,
        port=container.spec.port,
        timeout=timeout,
    )
