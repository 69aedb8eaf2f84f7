"""What kernel-hardening-checker says of a configuration or a machine, beside Debian's own, and what we do otherwise."""

import json
import lzma
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.files import digest
from skerry_base.core.locks import locked
from skerry_base.core.run import run_here
from skerry_kernel.archive import Archive, Package, unpack

CHECKER = "kernel-hardening-checker"
DEVIATIONS = Path(__file__).with_name("deviations.toml")
_STOCK = "config.amd64_none_amd64.xz"
_RUN = "import sys; sys.path.insert(0, sys.argv.pop(1)); from kernel_hardening_checker import main; main()"


KINDS = ("config", "command line", "sysctl")


@dataclass(frozen=True)
class Subject:
    """What the checker reads: a kernel's configuration, or all that a machine says of itself."""

    config: str
    command_line: str = ""
    """/proc/cmdline of the machine."""
    sysctl: str = ""
    """What `sysctl -a` says there."""


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
    what: str = "configuration"
    """What was checked."""

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
            f"{self.what:<16}{'OK':>5}{'FAIL':>6}",
            f"{'Debian amd64':<16}{self.stock.ok:>5}{len(self.stock.failed):>6}",
            f"{'ours':<16}{self.ours.ok:>5}{len(self.ours.failed):>6}",
            "",
            *(f"{check}: {self.listed.get(check, '?')}" for check in sorted(self.ours.failed)),
            *self.problems(),
        ]
        return "\n".join(rows)


def listed(version: str, *kinds: str) -> dict[str, str]:
    """Our list: check → reason.

    Args:
        version: of Linux; some checks fail with some versions only.
        kinds: what is checked, of `KINDS`; the configuration alone where none is named.
    """
    tables = tomllib.loads(DEVIATIONS.read_text(encoding="utf-8"))
    found: dict[str, str] = {}
    for kind in kinds or KINDS[:1]:
        table = tables.get(kind, {})
        found |= {check: reason for check, reason in table.items() if isinstance(reason, str)}
        found |= dict(table.get(f"linux-{version.split('.', maxsplit=1)[0]}", {}))
    return found


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
    stock = _unpacked(cache, source.name.replace("linux-source", "linux-config"))
    (packed,) = stock.glob(f"usr/src/*/{_STOCK}")
    stock_config = lzma.decompress(packed.read_bytes()).decode()
    ours, theirs = (check(cache, Subject(text)) for text in (config, stock_config))
    return Score(ours, theirs, listed(source.version))


def score_machines(cache: Cache, version: str, ours: Subject, stock: Subject) -> Score:
    """Score a machine that runs our kernel: configuration, command line and sysctl together.

    Args:
        cache: where the checker is kept.
        version: of the kernel that it runs.
        ours: what the machine says.
        stock: what one says that runs Debian's.
    """
    return Score(check(cache, ours), check(cache, stock), listed(version, *KINDS), "running machine")


def _unpacked(cache: Cache, name: str) -> Path:
    archive = Archive(cache.home / "kernel-archive")
    with locked(cache.home / "kernel-archive.lock"):
        package = archive.newest(name)

        def build(place: Path) -> None:
            unpack(archive.fetch(package), place / "root")

        return cache.entry(name, digest(package.sha256), build) / "root"


def check(cache: Cache, subject: Subject) -> Verdict:
    """What the checker says.

    Raises:
        SkerryError: it can't be had, or can't read the subject.
    """
    library = _unpacked(cache, CHECKER) / "usr/lib/python3/dist-packages"
    words = [sys.executable, "-c", _RUN, str(library), "-m", "json"]
    with tempfile.TemporaryDirectory() as folder:
        for option, text in (("-c", subject.config), ("-l", subject.command_line), ("-s", subject.sysctl)):
            if text:
                # The checker takes a configuration by the end of its name.
                place = Path(folder, f"{option}.config")
                place.write_text(text, encoding="utf-8")
                words += [option, str(place)]
        return verdict(run_here(words))
