"""kernel-hardening-checker's word on a configuration, beside Debian's own, and our list of what we do otherwise."""

import json
import lzma
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from skerry_kernel.archive import Archive, Package, unpack
from skerry_lab.cache import Cache
from skerry_lab.locks import locked
from skerry_lab.recipe import digest
from skerry_lab.run import run

CHECKER = "kernel-hardening-checker"
DEVIATIONS = Path(__file__).with_name("deviations.toml")
_STOCK = "config.amd64_none_amd64.xz"
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from kernel_hardening_checker import main; main()"


@dataclass(frozen=True)
class Verdict:
    """A checker's count, and what it does not like."""

    ok: int
    failed: tuple[str, ...]


@dataclass(frozen=True)
class Score:
    """Ours beside Debian's."""

    ours: Verdict
    stock: Verdict
    listed: Mapping[str, str]
    """Check → why we do otherwise."""

    def problems(self) -> list[str]:
        """What is not on the list, and what is on it without need."""
        failed = set(self.ours.failed)
        new = [f"{check}: not on the list of deviations" for check in sorted(failed - set(self.listed))]
        return new + [
            f"{check}: listed, but it no longer fails" for check in sorted(set(self.listed) - failed)
        ]

    def table(self) -> str:
        """For people."""
        rows = [
            f"{'configuration':<16}{'OK':>5}{'FAIL':>6}",
            f"{'Debian amd64':<16}{self.stock.ok:>5}{len(self.stock.failed):>6}",
            f"{'ours':<16}{self.ours.ok:>5}{len(self.ours.failed):>6}",
            "",
            *(f"{check}: {self.listed.get(check, '?')}" for check in sorted(self.ours.failed)),
            *self.problems(),
        ]
        return "\n".join(rows)


def listed(version: str, kind: str = "config") -> dict[str, str]:
    """Our list: check → reason.

    Args:
        version: of Linux; some checks fail with some versions only.
        kind: what is checked; `config` so far.
    """
    table = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8")).get(kind, {})
    always = {check: reason for check, reason in table.items() if isinstance(reason, str)}
    return always | dict(table.get(f"linux-{version.split('.', maxsplit=1)[0]}", {}))


def verdict(answer: str) -> Verdict:
    """What the checker's JSON says."""
    checks = json.loads(answer)
    failed = tuple(check["option_name"] for check in checks if not check["check_result_bool"])
    return Verdict(len(checks) - len(failed), failed)


def score(cache: Cache, source: Package, config: str) -> Score:
    """Score a configuration.

    Args:
        cache: where the checker is kept.
        source: the package with the source, whose stock configuration stands beside.
        config: a .config.
    """
    checker = _unpacked(cache, CHECKER)
    stock = _unpacked(cache, source.name.replace("linux-source", "linux-config"))
    (packed,) = stock.glob(f"usr/src/*/{_STOCK}")
    stock_config = lzma.decompress(packed.read_bytes()).decode()
    return Score(_check(checker, config), _check(checker, stock_config), listed(source.version))


def _unpacked(cache: Cache, name: str) -> Path:
    archive = Archive(cache.home / "kernel-archive")
    with locked(cache.home / "kernel-archive.lock"):
        package = archive.newest(name)

        def build(place: Path) -> None:
            unpack(archive.fetch(package), place / "root")

        return cache.entry(name, digest(package.sha256), build) / "root"


def _check(checker: Path, config: str) -> Verdict:
    library = checker / "usr/lib/python3/dist-packages"
    with tempfile.NamedTemporaryFile("w", suffix=".config") as file:
        file.write(config)
        file.flush()
        words: Iterable[str] = [sys.executable, "-c", _RUN, str(library), "-c", file.name, "-m", "json"]
        return verdict(run(list(words)))
