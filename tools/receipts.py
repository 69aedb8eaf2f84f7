"""Receipts of slow suites that passed: one line a receipt in tests/receipts.toml, so that git merges them by union."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from skerry_base.core.locks import locked
from tools.files import ROOT
from tools.inputs import RECEIPTS

HEAD = """\
# Slow suites that passed: written by `make test`, never by hand (docs/explanation/testing.md). One line a receipt.
"""
FIELDS = {"inputs": str, "counts": dict, "seconds": int, "date": str, "commit": str, "own": str}
SUITE = re.compile(r"[a-z0-9_-]+")


@dataclass(frozen=True)
class Receipt:
    """A slow suite passed on files of that digest."""

    suite: str
    inputs: str
    """Digest of the suite's declaration and inputs."""
    counts: Mapping[str, int]
    seconds: int
    date: str
    """UTC, as 2026-11-29T10:02Z."""
    commit: str

    @property
    def own(self) -> str:
        """The digest of its other fields: it finds a slip or an edit, not a forgery."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def day(self) -> str:
        """The date without the time."""
        return self.date.partition("T")[0]

    def line(self) -> str:
        """Its line in the file."""
        counts = ", ".join(f"{kind} = {number}" for kind, number in sorted(self.counts.items()))
        return (
            f'{self.suite} = {{ inputs = "{self.inputs}", counts = {{ {counts} }}, seconds = {self.seconds}, '
            f'date = "{self.date}", commit = "{self.commit}", own = "{self.own}" }}'
        )


def parse(line: str) -> Receipt | None:
    """The receipt of a line; none where the line is not one, or its own digest does not fit."""
    try:
        ((suite, fields),) = tomllib.loads(line).items()
    except (tomllib.TOMLDecodeError, ValueError):
        return None
    if not isinstance(fields, dict) or {key: type(value) for key, value in fields.items()} != FIELDS:
        return None
    own = fields.pop("own")
    receipt = Receipt(suite, **fields)
    return receipt if SUITE.fullmatch(suite) and receipt.own == own else None


def read(root: Path = ROOT) -> tuple[list[Receipt], list[str]]:
    """The receipts there are, several of a suite after a merge, and a note for each line that is none."""
    path = root / RECEIPTS
    found, notes = [], []
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], start=1):
        if not line.strip() or line.startswith("#"):
            continue
        if receipt := parse(line):
            found.append(receipt)
        else:
            name = line.partition("=")[0].strip()
            notes.append(f"{RECEIPTS}:{number}: {name}: edited or damaged, so it counts as no receipt")
    return found, notes


def fitting(receipts: Iterable[Receipt], digests: Mapping[str, str]) -> dict[str, Receipt]:
    """Each suite's receipt that fits the digest of its inputs, by the suite's name; of several the newest."""
    dated = sorted(receipts, key=lambda receipt: receipt.date)
    return {one.suite: one for one in dated if digests.get(one.suite) == one.inputs}


def newest(receipts: Iterable[Receipt]) -> dict[str, Receipt]:
    """Each suite's newest receipt, whether it fits or not, by the suite's name."""
    return {one.suite: one for one in sorted(receipts, key=lambda receipt: receipt.date)}


def write(receipt: Receipt, digests: Mapping[str, str], root: Path = ROOT) -> None:
    """Put a receipt into the file, whole or not at all, and tidy the file: one line a suite that there is.

    Args:
        receipt: of a suite that has just passed.
        digests: of the inputs of all slow suites, by name: they say which of two receipts stays.
        root: of the checkout.
    """
    path = root / RECEIPTS
    with locked(root / ".cache" / "receipts.lock"):
        found, _ = read(root)
        kept = {**newest(found), **fitting(found, digests), receipt.suite: receipt}
        lines = [one.line() for name, one in sorted(kept.items()) if name in digests]
        new = path.with_suffix(".new")
        new.write_text(HEAD + "".join(f"{line}\n" for line in lines))
        new.replace(path)
