"""What a container consists of on its host: the parts that follow from it. Every verb is made of these."""

import dataclasses
import uuid

from skerry.model import publish
from skerry.model.addresses import addresses
from skerry.model.container import Container
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.model.program import INIT
from skerry.model.snapshot import Snapshot
from skerry.parts.firewall import FirewallEntry
from skerry.parts.freezer import Frozen
from skerry.parts.program import NOTIFY
from skerry.parts.proxy import RESTARTING, STOPPED, Route
from skerry.parts.ready import Ready
from skerry.parts.root import KeptRoot, Root
from skerry.parts.snapshots import Taken
from skerry.parts.storage import Volume
from skerry.parts.unit import Unit

LEAST_DISK = 16 * 1024**2  # bytes that a root must have left


def unit_name(container_id: str) -> str:
    """The name of the unit of the container with that id."""
    return f"skerry-{container_id}.service"


def volume(container: Container, origin: str = "") -> Volume:
    """Its own files. Where they are new, they begin with what lies at ``origin`` in the pool, or with none."""
    machine = bool(origin) and container.spec.profile == "system"
    return Volume(id=container.id, disk=container.spec.disk, origin=origin, machine=machine)


def root(container: Container, *, without: int = 0, origin: str = "") -> Root:
    """The root that it has; a new one with the number ``without`` is not to be there then.

    Where it is new, it begins with the files of the snapshot that lies at ``origin`` in the pool, or with none.
    """
    return Root(container.id, container.root, container.spec.disk, without, origin)


def taken(container: Container, snapshot: Snapshot) -> Taken:
    """The files of a snapshot of it."""
    return Taken(snapshot.key.name, snapshot.place, f"c/{container.id}", container.id)


def kept_roots(container: Container) -> tuple[KeptRoot, ...]:
    """The roots that lie aside."""
    return tuple(KeptRoot(container.id, one.number) for one in container.kept)


def firewall_entry(host: HostConfig, container: Container) -> FirewallEntry:
    """Its entries in the firewall."""
    own = addresses(host, container.slot)
    published = sorted(one for one in map(publish.parse, container.spec.publish) if not one.shared)
    return FirewallEntry(
        slot=container.slot,
        mac=own.mac,
        ipv4=own.ipv4,
        ipv6=own.ipv6,
        services=container.spec.ports(),
        published=tuple((one.protocol, one.host_port, one.port) for one in published),
    )


def command(container: Container) -> tuple[str, ...]:
    """The program that it runs.

    Raises:
        SkerryError: neither the container nor its image names one.
    """
    found = tuple(container.spec.command or container.image.command)
    if container.spec.profile == "system":
        return tuple(container.spec.command or INIT)
    if not found:
        raise SkerryError(
            Code.INVALID,
            f"container {container.key}: image {container.image.name} names no program",
            "Give 'command', or import the image with one",
        )
    return found


def environment(container: Container) -> tuple[str, ...]:
    """Its environment: what the host says comes last and wins. HOME follows from its user, where it is not named."""
    own = {
        "SKERRY_ID": container.id,
        "SKERRY_REALM": container.key.realm,
        "SKERRY_PROJECT": container.key.project,
        "SKERRY_NAME": container.key.name,
    }
    path = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "container": "lxc",
    }
    if container.spec.profile == "system":
        own |= {"NOTIFY_SOCKET": NOTIFY, "container_uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, container.id))}
    merged = path | container.image.env | container.spec.env | own
    return tuple(f"{name}={value}" for name, value in merged.items())


def mounts(container: Container) -> tuple[tuple[str, str, str], ...]:
    """Its volumes as its unit mounts them: a folder before what lies in it."""
    return tuple(
        (container.data[use.volume], use.path, "ro" if use.read_only else "rw")
        for use in sorted(container.spec.volumes, key=lambda use: use.path.split("/"))
        if use.volume in container.data
    )


def secrets(container: Container) -> tuple[tuple[str, str, str, int], ...]:
    """Its secrets as its unit hands them over."""
    found = [
        (use, container.values[use.secret])
        for use in container.spec.secrets
        if use.secret in container.values
    ]
    return tuple((secret_id, use.target, use.mode, version) for use, (secret_id, version, _size) in found)


def require_belongings(container: Container) -> None:
    """Refuse to start a container without the volumes and secrets that it has.

    Raises:
        SkerryError: one of them is not there any more.
    """
    volumes = [use.volume for use in container.spec.volumes if use.volume not in container.data]
    values = [use.secret for use in container.spec.secrets if use.secret not in container.values]
    for kind, names in (("volume", volumes), ("secret", values)):
        for name in names:
            where = f"{container.key.realm}/{container.key.project}"
            raise SkerryError(
                Code.NOT_FOUND,
                f"container {container.key}: there is no {kind} {name} in {where}",
                f"Make it, or take it out of the option '{kind}s'",
            )


def unit(container: Container, grace: float = 0.0) -> Unit:
    """Its unit; when that is removed, its program has ``grace`` seconds to end by itself."""
    return Unit(
        id=container.id,
        realm_id=container.realm_id,
        project_id=container.project_id,
        hostname=container.key.name,
        slot=container.slot,
        image_digest=container.image.digest,
        lowers=container.image.layers,
        command=command(container),
        env=environment(container),
        memory=container.spec.memory,
        cpu=container.spec.cpu,
        pids=container.spec.pids,
        grace=grace,
        mounts=mounts(container),
        secrets=secrets(container),
        user="" if container.spec.profile == "system" else container.spec.user or container.image.user,
        groups=tuple(container.spec.groups),
        workdir=""
        if container.spec.profile == "system"
        else container.spec.workdir or container.image.workdir,
        capabilities=tuple(container.spec.capabilities),
        disk=container.spec.disk,
        restart=container.spec.restart,
        stop_timeout=container.spec.grace,
        stop_signal=container.stop_signal,
        profile=container.spec.profile,
        neighbours=tuple(sorted(container.neighbours.items())),
        merge_memory=container.merge_memory,
    )


def freezer(container: Container) -> Frozen:
    """Its processes, held."""
    return Frozen(id=container.id, group=unit(container).group)


def routes(host: HostConfig, container: Container) -> tuple[Route, ...]:
    """Its URLs and ports by TLS: each to its port while it runs as desired, else to the page that says what it does."""
    up = container.desired == "started" and not container.down
    ip = addresses(host, container.slot).ipv4 if up else ""
    restarting = container.desired == "started" and container.ended and container.ended.now == "restarting"
    page = RESTARTING if restarting else STOPPED
    found = [(name, port, False) for name, port in container.host_names(host.domain).items()]
    by_tls = publish.by_tls(container.spec.publish)
    found += [(f"{found[0][0]}:{one.host_port}", one.port, one.header) for one in by_tls]
    return tuple(
        Route(
            host=name,
            ip=ip,
            port=target,
            realm=container.key.realm,
            project=container.project_id,
            instance=container.id,
            page=page,
            header=header,
        )
        for name, target, header in found
    )


def paused_routes(host: HostConfig, container: Container) -> tuple[Route, ...]:
    """Its URLs while it is restarted with another root."""
    return tuple(dataclasses.replace(route, ip="", page=RESTARTING) for route in routes(host, container))


def ready(host: HostConfig, container: Container, timeout: float) -> Ready:
    """That its plain URL's port answers; of a whole Debian, that its init says it is up."""
    return Ready(
        id=container.id,
        address=addresses(host, container.slot).ipv4,
        port=0 if container.spec.profile == "system" else container.spec.port,
        timeout=timeout,
        memory=container.spec.memory,
    )
