"""Bodies: JSON that means one thing only, and no more of it than a request needs."""

import json
import math
from typing import Any, NoReturn

from skerry.protocol import values
from skerry_api.problems import ProblemError

LARGEST = 1_000_000  # bytes: the engine takes lines of 1 MiB
_DEEPEST = 16
_BIGGEST = 2**63


def read(body: bytes) -> dict[str, Any]:
    """The object in a body; an empty body is an empty object.

    Raises:
        ProblemError: it is none, or has a name twice, a number that is none or huge, too many levels or values.
    """
    if not body.strip():
        return {}
    try:
        found = json.loads(
            body.decode("utf-8"),
            object_pairs_hook=_each_once,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=_number,
        )
    except UnicodeDecodeError as error:
        raise _wrong(f"is not UTF-8 at byte {error.start}", "Send JSON in UTF-8") from None
    except json.JSONDecodeError as error:
        raise _wrong(
            f"is not JSON: {error.msg} at line {error.lineno}, column {error.colno}", "Send an object"
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if not isinstance(found, dict):
        raise _wrong("is not an object", "Send the options by their names")
    levels, number = values.measure(found)
    if levels > _DEEPEST:
        raise _too_deep()
    if number > values.MOST:
        raise _wrong(f"has {number} values", f"Give at most {values.MOST}; larger data belongs into a volume")
    return found


def _wrong(what: str, hint: str) -> ProblemError:
    return ProblemError("invalid", f"the body {what}", hint)


def _too_deep() -> ProblemError:
    return _wrong(f"has more than {_DEEPEST} levels", "No option needs so many")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if (name := values.twice(pairs)) is not None:
        raise _wrong(f"has {name[:40]!r} twice in an object", "Give each name once")
    return dict(pairs)


def _constant(text: str) -> NoReturn:
    raise _wrong(f"has {text}, which is no number of JSON", "Give a number, or leave it out")


def _integer(text: str) -> int:
    if len(text) > 20 or not -_BIGGEST <= int(text) < _BIGGEST:
        raise _wrong(f"has the number {text[:20]}…, which is too large", "Give one of at most 64 bits")
    return int(text)


def _number(text: str) -> float:
    found = float(text) if len(text) <= 40 else math.inf
    if math.isinf(found):
        raise _wrong(f"has the number {text[:20]}…, which is too large or too long", "Give fewer digits")
    return found
