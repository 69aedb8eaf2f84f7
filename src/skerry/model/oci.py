"""Where an OCI image comes from, as people write it: a registry's reference, or a file on the host."""

import dataclasses
import re

_HOST = r"(?:\[[0-9a-fA-F:.]+\]|[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?)(?::[0-9]{1,5})?"
_WORD = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:docker://)?(?P<host>{_HOST})/(?P<path>{_WORD}(?:/{_WORD})*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@sha256:(?P<digest>[0-9a-f]{64}))?"
)
_FILE = re.compile(r"(?:oci|oci-archive|docker-archive):(?P<path>/[^:\0\n]*)(?::(?P<tag>[^\0\n]{1,255}))?")
_LONGEST = 1024
_RIGHT = (
    "give HOST/PATH:TAG, such as docker.io/library/nginx:1.27, or oci:PATH, oci-archive:PATH or docker-archive:PATH "
    "of what lies on the host"
)


@dataclasses.dataclass(frozen=True)
class Source:
    """Where an image comes from.

    Attributes:
        registry: its host and port; empty where the image lies on this host.
        path: of the repository, or of the file or folder.
        tag: which of its images; empty for the only one, or where there is a digest.
        digest: of its manifest, where that was named: 64 hex digits.
    """

    registry: str
    path: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        if not self.registry:
            return f"oci:{self.path}" + (f":{self.tag}" if self.tag else "")
        return f"{self.registry}/{self.path}" + (f"@sha256:{self.digest}" if self.digest else f":{self.tag}")

    def at(self, digest: str) -> str:
        """The same repository's manifest of that digest."""
        return f"{self.registry}/{self.path}@sha256:{digest}"

    @property
    def host(self) -> str:
        """The registry without its port."""
        host = re.sub(r":[0-9]+$", "", self.registry)
        return host.strip("[]")


def parse(text: str) -> Source:
    """The source that a text names.

    Raises:
        ValueError: it is none; says what would be right.
    """
    if len(text) <= _LONGEST:
        if found := _FILE.fullmatch(text):
            return Source("", found["path"], found["tag"] or "")
        if (found := _REFERENCE.fullmatch(text)) and _is_host(found["host"]):
            digest = found["digest"] or ""
            tag = "" if digest else found["tag"] or "latest"
            return Source(found["host"], found["path"], tag, digest)
    raise ValueError(f"{text[:80]!r} names no image; {_RIGHT}")


def _is_host(text: str) -> bool:
    """Whether it is one to Docker as well: a first part without a dot or colon is a folder of Docker Hub."""
    return "." in text or ":" in text or text == "localhost"


def check(text: str) -> str:
    """Refuse what is no source.

    Raises:
        ValueError: as :func:`parse`.
    """
    parse(text)
    return text
