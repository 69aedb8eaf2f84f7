"""What a command line says of whom to ask, before its verb."""

import os
from collections.abc import Sequence

from skerry.engine_calls import EngineError

FLAGS = {
    "--host": "URL of a host's API, such as https://api.apps.example.org; without it the engine of this host is asked",
    "--context": "name of a context, as 'skerry context add' made it; 'local' is this host",
    "--token-file": "file with the token for the API",
    "--ca": "file with the certificates that the API's own is verified by",
}
"""What stands before the verb: whom to ask."""
LOCAL = "local"  # the context of this host
Where = dict[str, str]


def split(words: Sequence[str]) -> tuple[Where, list[str]]:
    """Whom a command line wants to be asked, and the rest of it: the verb and its options.

    Raises:
        EngineError: an option has no value.
    """
    found, left = Where(), list(words)
    while left and left[0].partition("=")[0] in FLAGS:
        flag, equals, value = left.pop(0).partition("=")
        if not equals:
            value = left.pop(0) if left else ""
        if not value:
            raise EngineError("invalid", f"{flag}: has no value", f"It is the {FLAGS[flag]}")
        found[flag[2:].replace("-", "_")] = value
    if found.keys() >= {"host", "context"}:
        raise EngineError("invalid", "both --host and --context are given", "Give one of the two")
    return found, left


def contexts_file() -> str:
    """Where contexts are kept."""
    above = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.path.expanduser("~"), ".config")
    return os.path.join(above, "skerry", "contexts.json")
