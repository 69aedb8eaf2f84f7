"""Asking the API by curl, on the host itself, through the real proxy."""

import dataclasses
import json
import shlex
from collections.abc import Mapping
from typing import Any

from testinfra.host import Host

SHOP = "/realms/t-acme/projects/shop"
DOMAIN = "skerry.localhost"


@dataclasses.dataclass(frozen=True)
class Said:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    raw: str

    @property
    def body(self) -> Any:
        """The answer's JSON."""
        return json.loads(self.raw)


class Ask:
    """Asks the API."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __call__(
        self,
        method: str,
        path: str,
        by: str = "",
        body: object = None,
        headers: Mapping[str, str] | None = None,
        extra: str = "",
    ) -> Said:
        """The answer to one request; ``extra`` are more words for the shell."""
        return _read(self._host.check_output(f"{words(method, path, by, body, headers)} {extra}"))


def words(
    method: str, path: str, by: str = "", body: object = None, headers: Mapping[str, str] | None = None
) -> str:
    """The command that asks."""
    sent = {"Authorization": f"Bearer {by}"} if by else {}
    sent |= {"Content-Type": "application/json"} if body is not None else {}
    sent |= headers or {}
    found = ["curl", "--silent", "--include", "--max-time", "90", "--cacert", "/etc/skerry/pki/ca.crt"]
    found += ["--head"] if method == "HEAD" else ["--request", method]
    for name, value in sent.items():
        found += ["--header", f"{name}: {value}"]
    found += ["--data-binary", json.dumps(body)] if body is not None else []
    return shlex.join([*found, path if path.startswith("http") else f"https://api.{DOMAIN}/api/v1{path}"])


def _read(said: str) -> Said:
    head, _, raw = said.replace("\r\n", "\n").partition("\n\n")
    first, *lines = head.split("\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    return Said(int(first.split()[1]), headers, raw)
