"""What a kernel can do, by its own tables: configuration, built-in and loadable modules, and whom they drive."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import SkerryError
from ...core.run import run
from ..initramfs.kernel import module_name

_SYMBOL = re.compile(r"CONFIG_(\w+)=([ym])")


@dataclass(frozen=True)
class Tables:
    """A kernel, as plain values.

    Attributes:
        version: such as 6.12.57+deb13-amd64.
        symbols: options of its configuration that are on, without CONFIG_.
        modules: names of all its modules, built in or loadable.
        loadable: those of them that are files.
        watchdogs: those of them that drive watchdogs.
        drivers: for each modalias that was asked for, the modules that drive it.
    """

    version: str
    symbols: frozenset[str]
    modules: frozenset[str]
    loadable: frozenset[str]
    watchdogs: frozenset[str]
    drivers: Mapping[str, tuple[str, ...]]


def read_tables(root: Path, version: str, aliases: Iterable[str]) -> Tables:
    """Read a kernel's tables below ``root``, and ask them about ``aliases``.

    Raises:
        SkerryError: that kernel is not installed, or not whole.
    """
    folder = root / "lib/modules" / version
    # Newer packages of Debian's keep it beside the modules.
    beside = folder / "config"
    config = beside if beside.exists() else root / f"boot/config-{version}"
    for path in (
        root / f"boot/vmlinuz-{version}",
        config,
        folder / "modules.dep",
        folder / "modules.builtin",
    ):
        if not path.exists():
            installed = ", ".join(installed_kernels(root)) or "none"
            raise SkerryError(
                f"kernel {version} is not installed whole: {path} is missing",
                f"Installed are: {installed}. A package left unfinished: dpkg --configure -a.",
            )
    lines = [
        line
        for name in ("modules.dep", "modules.builtin")
        for line in (folder / name).read_text().splitlines()
    ]
    return Tables(
        version=version,
        symbols=symbols(config.read_text()),
        modules=names(lines),
        loadable=names((folder / "modules.dep").read_text().splitlines()),
        watchdogs=names(line for line in lines if "/drivers/watchdog/" in line.partition(":")[0]),
        drivers={alias: _resolve(root, version, alias) for alias in dict.fromkeys(aliases)},
    )


def installed_kernels(root: Path) -> list[str]:
    """The versions whose images lie in /boot, and whose modules there are: a copy of an image is no kernel."""
    found = (path.name.removeprefix("vmlinuz-") for path in (root / "boot").glob("vmlinuz-*"))
    return sorted(version for version in found if (root / "lib/modules" / version).is_dir())


def symbols(config: str) -> frozenset[str]:
    """The options that a configuration switches on, as part of the kernel or as a module."""
    return frozenset(found[1] for line in config.splitlines() if (found := _SYMBOL.fullmatch(line.strip())))


def names(lines: Iterable[str]) -> frozenset[str]:
    """The modules that lines of modules.dep or modules.builtin are about."""
    return frozenset(module_name(line.partition(":")[0]) for line in lines if line.strip())


def _resolve(root: Path, version: str, alias: str) -> tuple[str, ...]:
    """The modules for a device; none where the kernel knows none. modprobe looks into the built-in ones as well."""
    asked = [
        "modprobe",
        "--quiet",
        "--dirname",
        str(root),
        "--set-version",
        version,
        "--resolve-alias",
        alias,
    ]
    try:
        return tuple(run(asked).split())
    except SkerryError:
        return ()
