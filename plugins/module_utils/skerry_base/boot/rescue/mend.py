"""The repairs of an installed server that no role of the installation makes: room on /boot, and packages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from ...core.plan import Plan
from ...core.run import run
from ...storage.target import inside
from .examine import boot_files, modules
from .findings import Finding, Repair, leftovers

_MINUTES = 60.0
_SLOW = 30 * _MINUTES
# The server's own resolver does not run here: what the rescue system asks is written where its link leads.
_INSTALL = """\
mkdir -p /run/systemd/resolve
cat >/run/systemd/resolve/stub-resolv.conf
export DEBIAN_FRONTEND=noninteractive
apt-get --quiet=2 update </dev/null
apt-get --quiet=2 --yes --no-install-recommends --reinstall install "$@" </dev/null
"""


def wanted_packages(found: Iterable[Finding], target: Path) -> list[str]:
    """The packages that mend what was found: those that are missing, and those of kernels without an image."""
    named = [one.where for one in found if one.name == "package missing"]
    there = boot_files(target / "boot")
    lost = [version for version in modules(target) if f"vmlinuz-{version}" not in there]
    return named + [f"linux-image-{version}" for version in lost]


def unneeded(target: Path) -> list[str]:
    """The files of /boot that no kernel needs."""
    return leftovers(boot_files(target / "boot"), modules(target))


@dataclass(frozen=True)
class Delete:
    """Delete a file of /boot."""

    name: str
    reason: str = "no kernel needs it"

    @property
    def done(self) -> str:
        """What was done, in words."""
        return f"deleted /boot/{self.name}"

    def __str__(self) -> str:
        return f"delete /boot/{self.name}"


@dataclass(frozen=True)
class Install:
    """Install packages of the server, inside it."""

    packages: tuple[str, ...]
    reason: str = "booting needs them"

    @property
    def done(self) -> str:
        """What was done, in words."""
        return f"installed {', '.join(self.packages)}"

    def __str__(self) -> str:
        return f"install {', '.join(self.packages)}"


Step: TypeAlias = "Delete | Install"


def plan_mend(found: Sequence[Finding], target: Path) -> Plan[Step]:
    """Room on /boot and what is missing, where that was found to be needed.

    Args:
        found: what is wrong.
        target: where the server is mounted.
    """
    repairs = {repair for finding in found for repair in finding.repairs}
    names = unneeded(target) if Repair.SPACE in repairs else []
    packages = wanted_packages(found, target) if Repair.PACKAGES in repairs else []
    return Plan((*map(Delete, names), *([Install(tuple(packages))] if packages else [])))


def carry_out(steps: Iterable[Step], target: Path) -> None:
    """Carry out the steps of a plan, in order.

    Raises:
        CommandError: apt failed; it needs the Internet.
    """
    for step in steps:
        match step:
            case Delete(name):
                (target / "boot" / name).unlink()
            case Install(packages):
                resolver = Path("/etc/resolv.conf").read_text(encoding="utf-8")
                install = inside(str(target), ["sh", "-ec", _INSTALL, "sh", *packages])
                run(install, stdin=resolver, timeout=_SLOW)
