"""The repairs of an installed server that no role of the installation makes: room on /boot, and packages."""

from pathlib import Path

from ..run import run
from ..target import inside
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


def wanted_packages(found: list[Finding], target: Path) -> list[str]:
    """The packages that mend what was found: those that are missing, and those of kernels without an image."""
    named = [one.where for one in found if one.name == "package missing"]
    there = boot_files(target / "boot")
    lost = [version for version in modules(target) if f"vmlinuz-{version}" not in there]
    return named + [f"linux-image-{version}" for version in lost]


def unneeded(target: Path) -> list[str]:
    """The files of /boot that no kernel needs."""
    return leftovers(boot_files(target / "boot"), modules(target))


def mend(found: list[Finding], target: Path) -> list[str]:
    """Make room on /boot and install what is missing, where that was found to be needed; what was done, in words.

    Raises:
        CommandError: apt failed; it needs the Internet.
    """
    repairs = {repair for finding in found for repair in finding.repairs}
    done = []
    if Repair.SPACE in repairs:
        for name in unneeded(target):
            (target / "boot" / name).unlink()
            done.append(f"deleted /boot/{name}")
    packages = wanted_packages(found, target)
    if Repair.PACKAGES in repairs and packages:
        resolver = Path("/etc/resolv.conf").read_text(encoding="utf-8")
        run(inside(str(target), ["sh", "-ec", _INSTALL, "sh", *packages]), stdin=resolver, timeout=_SLOW)
        done.append(f"installed {', '.join(packages)}")
    return done
