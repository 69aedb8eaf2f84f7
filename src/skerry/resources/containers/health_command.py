"""Programs in containers: the engine's half. It may enter none, so :mod:`skerry.checks` does that; health checks by it."""

import json
import socket
import threading
from collections.abc import Sequence
from typing import Any

from skerry import checks
from skerry.host import systemd
from skerry.model.container import Container
from skerry.model.ends import Health, reason
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.resources.containers import anatomy
from skerry.text import printable

UNIT = "skerry-checks.service"
_PATIENCE = 15.0  # seconds beyond a check's timeout: to bring the command in, and to have all of it killed
_LONGEST_ANSWER = 64 * 1024
_SHOWN = 160  # characters of what a command wrote
_ARGV = ("/usr/bin/python3", "-I", "-m", "skerry.checks")


class Helper:
    """The process that runs the commands: started when it is needed first, and again where it has ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None

    def ask(self, order: checks.Order) -> checks.Answer:
        """Have an order carried out.

        Raises:
            SkerryError: it was not, for a reason of the host's.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            try:
                self.send(json.dumps(order).encode(), [theirs.fileno()])
                theirs.close()
                ours.settimeout(order["timeout"] + _PATIENCE)
                text = ours.recv(_LONGEST_ANSWER)
            except TimeoutError as error:
                # Only this one is given up: the helper has those of other tenants as well.
                raise _failed("it did not answer") from error
            except OSError as error:
                raise _failed(str(error)) from error
        if not text:
            raise _failed("it ended")
        return dict(json.loads(text))

    def send(self, order: bytes, descriptors: Sequence[int]) -> None:
        """Send an order; the first descriptor is that of a socket for the answer.

        Raises:
            OSError: nobody takes it.
        """
        with self._lock:
            if self._control is not None:
                try:
                    socket.send_fds(self._control, [order], descriptors)
                except OSError:  # it has ended meanwhile
                    self._control.close()
                else:
                    return
            self._control = _start()
            socket.send_fds(self._control, [order], descriptors)

    def close(self) -> None:
        """End it, and every command that it runs."""
        with self._lock:
            if self._control is not None:
                self._control.close()
                self._control = None


HELPER = Helper()
"""The one of this engine."""


def _start() -> socket.socket:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(_PATIENCE)
    with theirs:
        systemd.kill(UNIT)  # that of an engine which was killed
        systemd.start_transient(UNIT, _properties(theirs.fileno()))
    return ours


def _properties(control: int) -> systemd.Properties:
    return [
        ("Description", ("s", "Skerry runs programs in containers")),
        ("Type", ("s", "exec")),
        ("CollectMode", ("s", "inactive-or-failed")),
        ("ExecStart", ("a(sasb)", [(_ARGV[0], list(_ARGV), False)])),
        # No wall of systemd's: a program inherits most of them, and containers have their own.
        ("ExtraFileDescriptors", ("a(hs)", [(control, "control")])),
    ]


def probe(host: HostConfig, container: Container, check: Health) -> str:
    """Run the command once; returns what is wrong, or an empty string.

    Raises:
        SkerryError: it could not be run, for a reason of the host's.
    """
    ticket: dict[str, Any] = {
        "id": container.id,
        "run": f"{host.run}/c/{container.id}",
        "command": check.command,
        "env": {},
        "user": None,
        "workdir": None,
    }
    order = {
        "ticket": ticket,
        "group": f"{anatomy.unit(container).group}/check",
        "timeout": check.timeout,
    }
    return problem(HELPER.ask(order), check.timeout)


def problem(answer: checks.Answer, timeout: float) -> str:
    """What an answer says is wrong; empty where nothing is.

    Args:
        answer: of :func:`skerry.checks.check`.
        timeout: seconds that the command had.

    Raises:
        SkerryError: the command was not run, for a reason of the host's.
    """
    if "error" in answer:
        raise _failed(printable(answer["error"]))
    if answer.get("status") == 0:
        return ""
    ended = {
        "timeout": f"it did not end within {timeout:g} s",
        "flood": f"it wrote more than {checks.FLOOD // 1024**2} MiB",
        "unasked": "nobody waited for it",
    }
    how = reason(answer["status"]) if "status" in answer else ended[answer["ended"]]
    said = _last_line(answer["output"])
    return f"the command: {how}; it said: {said}" if said else f"the command: {how}"


def _last_line(output: str) -> str:
    """The last line of what a command wrote, safe to print and short."""
    lines = [" ".join(printable(line).split()) for line in output.splitlines()]
    found = next((line for line in reversed(lines) if line), "")
    return f"{found[:_SHOWN]}…" if len(found) > _SHOWN else found


def _failed(why: str) -> SkerryError:
    return SkerryError(
        Code.HOST,
        f"the command of a health check could not be run: {why}",
        f"The log says more: journalctl --unit={UNIT}",
    )
