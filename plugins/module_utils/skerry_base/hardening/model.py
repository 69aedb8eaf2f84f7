"""What a setting is, and what a running machine says of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a setting is set and read back; the first word of its name."""

    WORD = "word"
    """A word of the kernel's command line."""
    SYSCTL = "sysctl"
    MODULE = "module"
    """A kernel module that nobody loads."""
    LOCK = "lock"
    """Something that is closed until the next boot."""
    MOUNT = "mount"
    SSHD = "sshd"
    APPARMOR = "apparmor"
    AUDIT = "audit"
    SYSTEMD = "systemd"
    """A default of systemd's manager."""
    SESSION = "session"
    """What a login starts with."""
    MODE = "mode"
    """Owner, group and permissions of a file or folder."""


class Source(StrEnum):
    """Where a setting is recommended."""

    KSPP = "KSPP, kernelsec.org: Recommended Settings"
    KHC = "kernel-hardening-checker 0.6.17"
    CIS = "CIS Debian Linux Benchmark"
    SSH_AUDIT = "ssh-audit, hardening guides"
    DEV_SEC = "dev-sec.io, linux-baseline"
    SYSTEMD = "systemd, its manual pages"
    OURS = "Skerry"


@dataclass(frozen=True)
class Setting:
    """One line of the table.

    Attributes:
        key: what it is called there: a sysctl, a path, an option.
        value: as the running machine says it where it holds.
        reason: what it takes from an attacker, and what it costs where that is something.
        one_way: the kernel takes it back at the next boot only.
    """

    kind: Kind
    key: str
    value: str
    reason: str
    source: Source
    one_way: bool = False

    @property
    def name(self) -> str:
        """By which it is turned off: "sysctl kernel.sysrq"."""
        return f"{self.kind} {self.key}"


@dataclass(frozen=True)
class Reading:
    """What the running machine says of a setting.

    Attributes:
        value: as in the table; None where this machine has no such thing.
        why: then, why not.
        later: what was asked for holds from the next boot on, for this reason.
    """

    value: str | None
    why: str = ""
    later: str = ""
