"""Lists in pages: a cursor names the last entry that was shown, so what comes and goes meanwhile shifts nothing."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from skerry_api.problems import ProblemError

MOST, USUAL = 1000, 100  # entries of a page
QUERY = ("limit", "cursor")
_ORDER = ("realm", "project", "source", "taken", "name", "id", "digest")
Entry = Mapping[str, Any]


def _place(entry: Entry) -> list[str]:
    """Where an entry belongs: by name, or of snapshots the oldest first, as the engine has them."""
    known = {**entry, "taken": entry.get("created") if "source" in entry else ""}
    return [str(known.get(field) or "") for field in _ORDER]


def _cursor(entry: Entry) -> str:
    return base64.urlsafe_b64encode(json.dumps(_place(entry)).encode()).decode().rstrip("=")


def _after(cursor: str) -> list[str]:
    try:
        found = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, RecursionError):
        found = None
    if (
        not isinstance(found, list)
        or len(found) != len(_ORDER)
        or not all(isinstance(one, str) for one in found)
    ):
        raise ProblemError("invalid", "cursor: this is none", "Give the 'next' of the page before, as it is")
    return [str(one) for one in found]


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4 and 1 <= int(text) <= MOST):
        raise ProblemError(
            "invalid", f"limit: {text[:20]!r} is not allowed", f"Give a number from 1 to {MOST}"
        )
    return int(text)


def check(query: Mapping[str, str]) -> tuple[int, list[str]]:
    """How many entries a page has, and after which place it begins.

    Raises:
        ProblemError: the query says something that is neither.
    """
    return _limit(query.get("limit", str(USUAL))), _after(query["cursor"]) if "cursor" in query else []


def page(entries: Sequence[Entry], limit: int, after: Sequence[str]) -> tuple[list[Entry], str | None]:
    """The entries of a page, in order, and the cursor of the next one; None where it is the last."""
    left = sorted((one for one in entries if _place(one) > list(after)), key=_place)
    shown = left[:limit]
    return shown, _cursor(shown[-1]) if len(left) > limit else None
