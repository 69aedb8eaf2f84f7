"""Fragments → .config, with every requested line in force, or a refusal that names those that are not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.run import run_here
from skerry_kernel import fragment, kconfig
from skerry_kernel.fragment import Line
from skerry_kernel.toolchain import Places, Toolchain

_KCONFIG_S = 600


@dataclass(frozen=True)
class Configurator:
    """Runs the kernel's own Kconfig in the tool chain."""

    tools: Toolchain
    places: Places
    compiler: str

    def configure(self, wanted: Mapping[str, Line]) -> dict[str, str]:
        """Write obj/.config; returns its values.

        Raises:
            SkerryError: lines that Linux does not know, or that did not take effect; all of them, with the reasons.
        """
        names = kconfig.defined(self.places.source)
        strange = [line for line in wanted.values() if line.symbol not in names]
        if strange:
            unknown = {line.symbol: [("unknown", "")] for line in strange}
            raise SkerryError(_refusal(strange, {}, unknown, names))
        (self.places.build / "wanted.config").write_text(fragment.text(wanted.values()), encoding="utf-8")
        self._make("KCONFIG_ALLCONFIG=/build/wanted.config", "alldefconfig")
        self._make("olddefconfig")
        got = kconfig.values(self.dot_config.read_text(encoding="utf-8"))
        missed = kconfig.missed(wanted.values(), got)
        if missed:
            asked = "".join(f"{line.symbol}\n" for line in missed)
            raise SkerryError(
                _refusal(missed, got, kconfig.reasons(self._make("explainconfig", stdin=asked)), names)
            )
        return got

    @property
    def dot_config(self) -> Path:
        """Where the configuration is."""
        return self.places.build / "obj/.config"

    def _make(self, *words: str, stdin: str = "") -> str:
        make = ["make", "-s", "-C", "/build/src", "O=/build/obj", f"CC={self.compiler}", *words]
        return run_here(self.tools.command(self.places, make), stdin=stdin, timeout=_KCONFIG_S)


def _refusal(lines: Sequence[Line], got: Mapping[str, str], why: kconfig.Reasons, names: set[str]) -> str:
    return f"the configuration was refused:\n{kconfig.complaint(lines, got, why, names)}"
