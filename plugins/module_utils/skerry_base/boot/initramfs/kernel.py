"""What a kernel's own tables say: which modules drive a device, what they depend on, which firmware they load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...core.run import CommandError, run, run_or_empty

# Their firmware is a later edition of what the card carries itself, so they work without the file.
_CARRY_FIRMWARE = frozenset({"tg3", "ice", "cxgb4"})


@dataclass(frozen=True)
class Kernel:
    """The modules of one kernel version below a root."""

    root: Path
    version: str

    def drivers(self, alias: str, bound: Iterable[str]) -> list[str]:
        """The modules for a device; where one of them drives it now (``bound``), that one."""
        names = self._ask("modprobe", *self._where(), "--resolve-alias", alias).split()
        return [name for name in names if name in set(bound)] or names

    def closure(self, module: str) -> set[str] | None:
        """The modules that must be loaded for one, itself included, without those built into the kernel.

        None where this kernel has no such module.
        """
        try:
            lines = run(
                ["modprobe", *self._where(), "--ignore-install", "--show-depends", module]
            ).splitlines()
        except CommandError:
            return None
        return {module_name(line.split()[1]) for line in lines if line.startswith("insmod ")}

    def firmware(self, modules: Iterable[str]) -> tuple[set[str], bool]:
        """The installed firmware files of modules, below lib/firmware, and whether one of them needs a file."""
        named = {module: self._firmware_of(module) for module in modules}
        needs = any(files for module, files in named.items() if module not in _CARRY_FIRMWARE)
        return {name for files in named.values() for name in files if self._installed(name)}, needs

    def _firmware_of(self, module: str) -> set[str]:
        return set(
            self._ask("modinfo", "-b", str(self.root), "-k", self.version, "-F", "firmware", module).split()
        )

    def _installed(self, name: str) -> bool:
        folder = self.root / "lib/firmware"
        return any((folder / f"{name}{ending}").exists() for ending in ("", ".xz", ".zst"))

    def _where(self) -> list[str]:
        return ["--dirname", str(self.root), "--set-version", self.version]

    @staticmethod
    def _ask(*argv: str) -> str:
        """A program's answer; nothing where it knows of nothing."""
        return run_or_empty(argv)


def module_name(path: str) -> str:
    """A module's name from its file: nvme-core.ko.xz is nvme_core."""
    return path.rpartition("/")[2].partition(".ko")[0].replace("-", "_")
