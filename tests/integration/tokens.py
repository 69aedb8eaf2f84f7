"""What tests of tokens need: two realms, and tokens that are revoked afterwards."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

from testinfra.host import Host

from tests.integration import tenants

ACME, RIVAL = "t-acme/shop", "t-rival/shop"


def skerry(host: Host, words: str) -> Any:
    """What the command answers, as JSON."""
    return json.loads(host.check_output(f"skerry {words} --json"))


def token(host: Host, name: str, words: str) -> str:
    """A new token's value."""
    return str(skerry(host, f"token create {name} {words}")["once"]["token"])


@contextlib.contextmanager
def two_realms(host: Host) -> Iterator[None]:
    """Two realms with a project each, and no token of the tests, before and afterwards."""
    _drop(host)
    tenants.make(host, ACME, RIVAL)
    yield
    _drop(host)


def _drop(host: Host) -> None:
    for one in skerry(host, "token list")["tokens"]:
        name = "/".join(filter(None, (one["realm"], one["name"])))
        if name.startswith("t-"):
            host.check_output(f"skerry token revoke {name}")
    tenants.delete(host, ACME, RIVAL)
