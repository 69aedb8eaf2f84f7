"""Where Debian's archive is: from the computer's own apt sources, or from a variable."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.errors import SkerryError

VARIABLE = "SKERRY_DEBIAN_ARCHIVE"
"""The archive's address, instead of what apt's sources say; that of the security archive may follow after a space."""
APT = Path("/etc/apt")
_SUITES = {
    "bullseye", "bookworm", "trixie", "forky", "duke", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable",
}  # fmt: skip
_SECURITY = ("-security", "/updates")
_ONE_LINE = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)"
)
_ADDRESS = re.compile(r"(https?|file|copy)://?\S+")
_SIGNED_BY = re.compile(r"\bsigned-by=(\S+)", re.IGNORECASE)


@dataclass(frozen=True)
class Mirror:
    """Addresses of one archive that Debian signs, whatever its suites."""

    debian: str
    security: str

    def lines(self, suite: str) -> tuple[str, ...]:
        """Lines of sources.list without `deb`, for all parts of a suite."""
        parts = [f"{self.debian} {suite}{part} main" for part in ("", "-updates", "-backports")]
        return (*parts, f"{self.security} {suite}-security main")


@dataclass(frozen=True)
class _Entry:
    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str

    def debian(self) -> bool:
        """Whether this is Debian's own. Others use its suites' names, with components or keys of their own."""
        own_key = not self.signed_by or "debian-archive" in self.signed_by
        return (
            self.base() in _SUITES
            and "main" in self.components
            and own_key
            and not self.uri.startswith("cdrom:")
        )

    def base(self) -> str:
        return re.split(r"[-/]", self.suite, maxsplit=1)[0]

    def security(self) -> bool:
        return self.suite.endswith(_SECURITY)


def mirror(apt: Path = APT, settings: Mapping[str, str] = os.environ) -> Mirror:
    """The archive that this computer installs from: the same one serves every suite of Debian.

    Args:
        apt: where apt's sources are.
        settings: the environment, where `SKERRY_DEBIAN_ARCHIVE` goes before them.

    Raises:
        SkerryError: there is none.
    """
    given = settings.get(VARIABLE, "").split()
    if given:
        if len(given) > 2 or not all(_ADDRESS.match(address) for address in given):
            raise SkerryError(
                f"{VARIABLE}={' '.join(given)}: expected the archive's address, and that of the security archive after a "
                "space, as in http://mirror.example/debian"
            )
        return _mirror(given[:1], given[1:])
    entries = [entry for entry in _entries(apt) if entry.debian()]
    plain = [entry.uri for entry in entries if not entry.security()]
    if not plain:
        raise SkerryError(
            f"no archive of Debian is among the sources of apt in {apt}: where this computer is no Debian, say where one "
            f"is, as in\n    export {VARIABLE}=http://mirror.example/debian"
        )
    return _mirror(plain, [entry.uri for entry in entries if entry.security()])


def _mirror(plain: list[str], security: list[str]) -> Mirror:
    debian = plain[0].rstrip("/")
    return Mirror(debian, security[0].rstrip("/") if security else f"{debian}-security")


def _entries(apt: Path) -> Iterator[_Entry]:
    parts = sorted((apt / "sources.list.d").glob("*"))
    for path in [apt / "sources.list", *parts]:
        if path.suffix == ".sources":
            for stanza in re.split(r"\n\s*\n", _text(path)):
                yield from _stanza(stanza)
        elif path.suffix == ".list":
            for row in _text(path).splitlines():
                yield from _row(row.strip())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:  # none there, or not for this user
        return ""


def _row(row: str) -> Iterator[_Entry]:
    if parts := _ONE_LINE.match(row):
        signed = _SIGNED_BY.search(parts["options"] or "")
        components = tuple(parts["components"].split())
        yield _Entry(parts["uri"], parts["suite"], components, signed[1] if signed else "")


def _stanza(stanza: str) -> Iterator[_Entry]:
    fields = _fields(stanza.splitlines())
    if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {
        "no",
        "false",
        "0",
    }:
        return
    for uri in fields.get("uris", "").split():
        for suite in fields.get("suites", "").split():
            yield _Entry(uri, suite, tuple(fields.get("components", "").split()), fields.get("signed-by", ""))


def _fields(rows: Iterable[str]) -> dict[str, str]:
    """Name → value of a stanza; a row that begins with a space belongs to the one above."""
    fields: dict[str, str] = {}
    name = ""
    for row in rows:
        if row.startswith("#"):
            continue
        if row[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {row.strip()}"
        elif ":" in row:
            name, value = row.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
