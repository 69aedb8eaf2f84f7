"""A realm's journal: a namespace of journald of its own, with a bound of its own, so that a flood costs nobody else."""

from pathlib import Path

from skerry.host import files
from skerry.model.host import HostConfig

_FILES = 8  # of which the oldest goes when the bound is reached
_BURST = 10_000  # lines of one container in ten seconds; journald raises it where the disk has room
_FOLDER = Path("/run/systemd")
_SOCKETS = Path("/run/systemd")


def namespace(realm_id: str) -> str:
    """The namespace of a realm."""
    return f"skerry-{realm_id}"


def prepare(host: HostConfig, realm_id: str) -> None:
    """Write the bounds of a realm's journal, where they are not as the host's configuration says.

    journald reads them when the namespace's first unit starts.
    """
    path = _FOLDER / f"journald@{namespace(realm_id)}.conf"
    text = (
        "[Journal]\n"
        f"SystemMaxUse={host.log_disk}\nSystemMaxFileSize={host.log_disk // _FILES}\n"
        f"RuntimeMaxUse={host.log_disk}\nRuntimeMaxFileSize={host.log_disk // _FILES}\n"
        f"RateLimitIntervalSec=10s\nRateLimitBurst={_BURST}\n"
        "ForwardToSyslog=no\nForwardToKMsg=no\nForwardToConsole=no\nForwardToWall=no\n"
    ).encode()
    if not path.exists() or path.read_bytes() != text:
        files.replace(str(path), text, mode=0o644)


def folder(realm_id: str) -> str:
    """Where a realm's journal lies."""
    machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    return f"/var/log/journal/{machine}.{namespace(realm_id)}"


def forget(realm_id: str) -> None:
    """Take away the bounds of a realm's journal, and the place of its sockets."""
    (_FOLDER / f"journald@{namespace(realm_id)}.conf").unlink(missing_ok=True)
    files.remove_tree(str(_SOCKETS / f"journal.{namespace(realm_id)}"))


def service(realm_id: str) -> str:
    """The unit that writes it."""
    return f"systemd-journald@{namespace(realm_id)}.service"


def sockets(realm_id: str) -> list[str]:
    """The units that have its journald run when somebody writes to it."""
    name = namespace(realm_id)
    return [f"systemd-journald@{name}.socket", f"systemd-journald-varlink@{name}.socket"]


def active() -> list[str]:
    """The namespaces of realms whose journald can be asked now."""
    return sorted(path.name.removeprefix("journal.") for path in _SOCKETS.glob("journal.skerry-*"))
