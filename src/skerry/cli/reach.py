"""Which engine a command asks: that of this host, or of another one by its API. On a host that costs next to nothing."""

import os
from typing import TYPE_CHECKING

from skerry.cli.whom import LOCAL, Where, contexts_file
from skerry.client import SOCKET, EngineClient
from skerry.engine_calls import SILENCE, EngineError

if TYPE_CHECKING:
    from skerry.api_client import ApiClient


def client(where: Where, path: str = SOCKET, silence: float = SILENCE) -> "EngineClient | ApiClient":
    """The client of the engine that is meant.

    Args:
        where: what the command line says of it.
        path: the socket of the engine, where it is this host's.
        silence: seconds without a word after which that one counts as hung.

    Raises:
        EngineError: what is said of it is wrong.
    """
    found = _named(where) if path == SOCKET else {}
    if not found:
        if extra := where.keys() & {"token_file", "ca"}:
            flag = f"--{min(extra).replace('_', '-')}"
            raise EngineError(
                "invalid", f"{flag}: no API is named that it could be for", "Give --host as well"
            )
        return EngineClient(path, silence)
    from skerry.api_client import ApiClient  # noqa: PLC0415 - TLS and HTTP cost more than a whole call on a host
    from skerry.cli import contexts  # noqa: PLC0415

    found |= {name: where[name] for name in ("token_file", "ca") if name in where}
    return ApiClient(found["url"], contexts.token(found), os.path.expanduser(found.get("ca", "")))


def _named(where: Where) -> dict[str, str]:
    """The API that the line, the environment or the context in use names; nothing for the engine of this host."""
    of_environment = {"ca": os.environ.get("SKERRY_API_CA", "")}
    url = where.get("host", "" if "context" in where else os.environ.get("SKERRY_API_URL", ""))
    if url:
        return of_environment | {"url": url}
    if where.get("context") == LOCAL or not ("context" in where or os.path.exists(contexts_file())):
        return {}
    from skerry.cli import contexts  # noqa: PLC0415

    return contexts.find(where.get("context", ""))
