"""What a client needs to reach into a container that runs: to start a program there, to read and write its files.

The client is root of this host and does it itself (`skerry.attach`, `skerry.inside`): the engine only says where.
"""

import logging

from skerry.host import journals, systemd
from skerry.model.addresses import addresses
from skerry.model.container import Container, ContainerKey
from skerry.model.errors import Code, SkerryError
from skerry.protocol import access as requests
from skerry.protocol.containers import RESOURCE
from skerry.resources.containers import anatomy, missing, store
from skerry.resources.kind import Context
from skerry.store import operations

_SHELL = "command -v bash >/dev/null 2>&1 && exec bash; exec sh"
_log = logging.getLogger(__name__)


def execute(context: Context, request: requests.Exec) -> requests.Ticket:
    """Where a program is to be started.

    Raises:
        SkerryError: there is no such container, or no program can be started in it now.
    """
    return _ticket(context, request, request.command)


def program(context: Context, request: requests.ExecStream) -> tuple[requests.Ticket, str]:
    """Where a client's program is to be started, and the cgroup of the container's own processes.

    Raises:
        SkerryError: there is no such container, or no program can be started in it now.
    """
    container = _existing(context, request.container)
    command = request.command or ["/bin/sh", "-c", _SHELL]
    return _ticket(context, request, command), anatomy.unit(container).group


def shell(context: Context, request: requests.Shell) -> requests.Ticket:
    """Where a shell is to be started: bash, or sh where the image has no bash.

    Raises:
        SkerryError: there is no such container, or no program can be started in it now.
    """
    return _ticket(context, request, ["/bin/sh", "-c", _SHELL])


def _ticket(context: Context, request: requests.Runs, command: list[str]) -> requests.Ticket:
    container = _existing(context, request.container)
    _pid(context, container)
    by = f" by token {context.asker.key}" if context.asker else ""
    _log.info("%s in container %s%s", request.verb, container.key, by)
    return {
        "id": container.id,
        "run": f"{context.host.run}/c/{container.id}",
        "command": command,
        "env": request.env,
        "user": request.user,
        "workdir": request.workdir,
    }


def files(context: Context, request: requests.Get | requests.Put) -> requests.Place:
    """Where the files of a container are while it runs.

    Raises:
        SkerryError: there is no such container, or it does not run.
    """
    container = _existing(context, request.container)
    return {
        "id": container.id,
        "pid": _pid(context, container, frozen_too=True),
        "uid_base": addresses(context.host, container.slot).uid_base,
        "path": request.path,
        "owner": getattr(request, "owner", None),
        "mode": getattr(request, "mode", None),
    }


def logs(context: Context, request: requests.Logs) -> requests.Log:
    """Where the lines of a container are.

    Raises:
        SkerryError: there is no such container.
    """
    container = _existing(context, request.container)
    return {
        "unit": anatomy.unit_name(container.id),
        "namespace": journals.namespace(container.realm_id),
        "follow": request.follow,
        "lines": request.lines,
        "since": request.since,
        "until": request.until,
    }


def _existing(context: Context, key: ContainerKey) -> Container:
    container = store.find(context.db, key)
    if container is None:
        raise missing.not_found(context, key)
    return container


def _pid(context: Context, container: Container, *, frozen_too: bool = False) -> int:
    """Its first process.

    Raises:
        SkerryError: there is none that a program can be started beside, or files reached by.
    """
    key, unit = container.key, anatomy.unit(container)
    state = systemd.state(unit.name)
    if state in {"inactive", "failed"}:
        for under_way in operations.unfinished(context.db, RESOURCE.name, container.id):
            raise SkerryError(
                Code.BUSY,
                f"container {key} does not run: {under_way.verb!r} is under way",
                "Ask again after it",
            )
        raise SkerryError(
            Code.INVALID, f"container {key} does not run", f"Start it first: skerry start {key.name}"
        )
    if not frozen_too and anatomy.freezer(container).exists(context.host):
        raise SkerryError(
            Code.INVALID,
            f"container {key} is frozen, and a program in it would be, too",
            f"Let it go on first: skerry thaw {key.name}",
        )
    pid = unit.init() if state in {"active", "reloading"} else None
    if pid is None:
        what = "is being stopped" if state == "deactivating" else "is being started"
        raise SkerryError(
            Code.BUSY, f"container {key} {what}", f"Ask again when 'skerry info {key.name}' says running"
        )
    return pid
