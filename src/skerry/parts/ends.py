"""How systemd stops a container and starts it again, and what its launcher wrote down of its program's end."""

import contextlib
import dataclasses
import os
from pathlib import Path

from skerry.host.systemd import Properties
from skerry.model.ends import Restart, reason, signal_number

_MICROSECONDS = 1_000_000
# 0.1, 0.2, 0.5, 1.1, 2.4, 5.4, 12, 27 and then 60 seconds, for ever.
_FIRST_PAUSE, _LONGEST_PAUSE, _STEPS = 0.1, 60, 8
_REBOOTED = 254  # what start ends with then
# LXC's process, to which systemd sends the signal, hands on all others to the container's first process, its child.
_NOT_HANDED_ON = "SIGWINCH"
_HAND_ON = '[ -z "$MAINPID" ] || exec pkill --signal "$1" --parent "$MAINPID"'
_SYSTEMD = {"always": "always", "on-failure": "on-failure", "never": "no"}


@dataclasses.dataclass(frozen=True)
class Policy:
    """How a unit is stopped and started again.

    Attributes:
        restart: when it is started again after it ended by itself.
        stop_timeout: seconds that its program has to end when systemd stops it.
        stop_signal: what asks it to.
        reboots: whether it is started again when it has rebooted, whatever ``restart`` says.
    """

    restart: Restart
    stop_timeout: float
    stop_signal: str
    reboots: bool = False

    def properties(self) -> Properties:
        """The properties of its unit. systemd takes none of them for a unit that is loaded."""
        reboots: Properties = (
            [("RestartForceExitStatus", ("(aiai)", ([_REBOOTED], [])))] if self.reboots else []
        )
        return [
            *reboots,
            ("Restart", ("s", _SYSTEMD[self.restart])),
            ("RestartUSec", ("t", round(_FIRST_PAUSE * _MICROSECONDS))),
            ("RestartMaxDelayUSec", ("t", _LONGEST_PAUSE * _MICROSECONDS)),
            ("RestartSteps", ("u", _STEPS)),
            ("StartLimitIntervalUSec", ("t", 0)),
            *self._handing_on(),
            ("KillSignal", ("i", signal_number(self.stop_signal))),
            # 0 would mean: wait for ever
            ("TimeoutStopUSec", ("t", max(1, round(self.stop_timeout * _MICROSECONDS)))),
        ]

    def _handing_on(self) -> Properties:
        if self.stop_signal != _NOT_HANDED_ON:
            return []
        argv = ["/bin/sh", "-c", _HAND_ON, "sh", self.stop_signal]
        return [("ExecStop", ("a(sasb)", [(argv[0], argv, True)]))]

    def __str__(self) -> str:
        return f"{self.restart} {self.stop_timeout:g} {self.stop_signal}"


def write_policy(folder: str, policy: Policy) -> None:
    """Keep in a running container's folder what it was started with; how an earlier program ended goes."""
    Path(f"{folder}/policy").write_text(f"{policy}\n", encoding="ascii")
    Path(f"{folder}/ended").unlink(missing_ok=True)


def policy_differs(folder: str, policy: Policy) -> bool:
    """Whether the container that runs was started with another policy."""
    try:
        return Path(f"{folder}/policy").read_text(encoding="ascii").strip() != str(policy)
    except FileNotFoundError:
        return False


@dataclasses.dataclass(frozen=True)
class Ended:
    """What the launcher wrote when a program had ended.

    Attributes:
        status: the exit code; 128 and N where signal N ended it.
        oom: processes that the kernel ended since the container was out of memory.
        at: when, in seconds since the epoch.
    """

    status: int
    oom: int
    at: float


def read(folder: str) -> Ended | None:
    """How the last program ended; None where none has, or nothing readable is there."""
    with (
        contextlib.suppress(OSError, ValueError, IndexError),
        open(f"{folder}/ended", encoding="ascii") as file,
    ):
        words = file.read(64).split()
        return Ended(int(words[0]), int(words[1]), os.fstat(file.fileno()).st_mtime)
    return None


def told(folder: str, memory: int) -> str:
    """``: exit code 3`` for an error's message; empty where nothing is known."""
    found = read(folder)
    return f": {reason(found.status, found.oom, memory)}" if found else ""
