"""What is wrong with a request, in plain words: pydantic's findings without its jargon."""

import typing
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, PlainSerializer, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from skerry.model.alias import ALIAS_LABEL
from skerry.model.container import Secret, WhenMissing
from skerry.model.errors import Code, SkerryError
from skerry.model.policy import KID, USER
from skerry.model.size import format_size
from skerry.model.snapshot import SNAPSHOT_LABEL, SOURCE

_SHOWN = 60  # characters of a bad value
_TYPES = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a mapping",
    type(None): "null",
}
N = TypeVar("N")
Model = type[BaseModel]
Place = tuple[int | str, ...]

PATTERNS = {
    r"^[a-z]([a-z0-9-]*[a-z0-9])?$": "lower-case letters, digits and dashes; a letter first, no dash last",
    r"^[a-z0-9][a-z0-9._-]{0,57}$": "lower-case letters, digits, dots, dashes and underscores, at most 58",
    ALIAS_LABEL: "3 to 61 lower-case letters, digits and dashes; no dash first or last",
    SOURCE: "the name of a container, or volume/ and the name of a volume",
    SNAPSHOT_LABEL: "lower-case letters, digits, dots and dashes; a letter or digit first and last",
    r"^[0-9a-f]{64}$": "64 hex digits, as sha256sum prints them",
    r"^[a-z0-9][a-z0-9+.-]*$": "the name of a Debian package",
    r"^[a-z]+$": "the code name of a Debian release, such as trixie",
    r"^0[0-7]{3}$": "permissions in octal, in quotes, such as '0644'",
    r"^[0-9]{1,5}(:[0-9]{1,5})?$": "the number of a user or USER:GROUP, such as 1000:1000",
    r"^([0-9a-f]{16})?$": "the name of a FIFO, which the command and the module make",
    r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$": "letters, digits, dots, dashes and underscores, at most 64",
    r"^[-+A-Za-z0-9@][A-Za-z0-9 :.+-]{0,63}$": "a time such as 10m, today or 2026-11-29 08:00",
    r"^age1[02-9ac-hj-np-z]{58}$": "a public key of age, as age-keygen prints it",
    r"^/": "a path that begins with /",
    r"^[^:\s]{1,255}$": "a name without blanks and colons",
    USER: "1 to 64 characters, without blanks and colons",
    KID: "1 to 128 characters",
}


def plain(number: float) -> str:
    """A number as people write it: 1024, not 1024.0 or 1.024e3."""
    return str(int(number)) if number == int(number) else str(number)


def _fields(model: Model, place: Place) -> Iterator[FieldInfo]:
    """The declared fields on the way to a place in a request; it ends where the place is in none."""
    inside: Model | None = model
    for part in place:
        if isinstance(part, int) or part == "[key]":
            continue
        if inside is None or part not in inside.model_fields:
            return
        field = inside.model_fields[part]
        yield field
        inside = _model(field.annotation)


def _model(annotation: Any) -> Model | None:
    """The model in a field's type: itself, or that of a list's entries."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model(one) for one in typing.get_args(annotation))
    return next((model for model in found if model), None)


def _noted(field: FieldInfo, note: type[N]) -> N | None:
    return next((one for one in field.metadata if isinstance(one, note)), None)


def secret_fields(model: Model) -> set[str]:
    """The options of a model whose values are shown nowhere."""
    return {name for name, field in model.model_fields.items() if _noted(field, Secret)}


def _may_be_secret(model: Model, place: Place) -> bool:
    """Whether the value at a place may be a secret, or have one in it."""
    fields = list(_fields(model, place))
    if any(_noted(field, Secret) for field in fields):
        return True
    if not fields:
        return False
    inner, last = _model(fields[-1].annotation), fields[-1].annotation
    return Any in typing.get_args(last) or (inner is not None and bool(secret_fields(inner)))


def _bound(error: ErrorDetails, kind: str) -> str:
    bound = error["ctx"][kind]
    return format_size(bound) if error["ctx"].get("size") else plain(bound)


def _choices(error: ErrorDetails) -> str:
    return str(error["ctx"]["expected"]).replace("'", "")


_EXPECTED: Mapping[str, Callable[[ErrorDetails], str]] = {
    "greater_than_equal": lambda error: f"at least {_bound(error, 'ge')}",
    "less_than_equal": lambda error: f"at most {_bound(error, 'le')}",
    "string_too_long": lambda error: f"at most {error['ctx']['max_length']} characters",
    "string_too_short": lambda error: f"at least {error['ctx']['min_length']} character",
    "too_long": lambda error: f"at most {error['ctx']['max_length']} entries",
    "string_pattern_mismatch": lambda error: PATTERNS.get(
        error["ctx"]["pattern"], f"text that matches {error['ctx']['pattern']}"
    ),
    "literal_error": _choices,
    "model_type": lambda error: str(error["ctx"].get("in_words", "an object with its options")),
    "string_unicode": lambda _error: "text in UTF-8",
    "string_type": lambda _error: "text, in quotes",
    "list_type": lambda _error: "a list",
    "tuple_type": lambda _error: "a list",
    "dict_type": lambda _error: "names, each with its value",
}
_EXPECTED_KINDS = {
    "int_": "a whole number",
    "float_": "a number",
    "finite_": "a number",
    "bool_": "true or false",
}


def readable(error: ValidationError, model: Model) -> SkerryError:
    """The first thing that is wrong with a request: which option, what came, what would be right.

    Args:
        error: what pydantic found.
        model: the model that the request, or the options in it, should have been.
    """
    first = error.errors()[0]
    place, where = first["loc"], _where(model, first["loc"])
    match first["type"]:
        case "missing":
            return _missing(model, place, where)
        case "extra_forbidden":
            return SkerryError(Code.INVALID, f"{where}: there is no such option", _known(model, place))
        case "value_error":
            return _own_text(where, first)
    secret = _may_be_secret(model, place)
    first["ctx"] = first.get("ctx", {}) | _more(model, place)
    found = first["input"]
    if first["ctx"].get("size") and type(found) is int:
        found = format_size(found)
    shown = _TYPES.get(type(found), "this") if secret else quoted(found)
    return _refused(where, shown, _expected(first))


def _more(model: Model, place: Place) -> dict[str, Any]:
    """What the declaration says of a value besides pydantic: that it is a size, how its model is called."""
    fields = list(_fields(model, place))
    if not fields:
        return {}
    inner = _model(fields[-1].annotation)
    words = getattr(inner, "in_words", "")
    size = _noted(fields[-1], PlainSerializer) is not None
    return {"size": size} | ({"in_words": words} if words else {})


def quoted(found: object) -> str:
    """A bad value as a message shows it."""
    shown = repr(found)
    return shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"


def _refused(where: str, shown: str, expected: str) -> SkerryError:
    return SkerryError(Code.INVALID, f"{where}: {shown} is not allowed", f"Give {expected}")


def _where(model: Model, place: Place) -> str:
    """The option that an error is about, as a person would say it: ``services, entry 1, name``.

    A group of the request, such as ``spec``, is not named: the user knows options only.
    """
    place = tuple(part for part in place if part != "[key]")
    if len(place) > 1 and isinstance(place[0], str) and place[0] in model.model_fields:
        annotation = model.model_fields[place[0]].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            place = place[1:]
    shown = [f"entry {part + 1}" if isinstance(part, int) else part for part in place]
    return ", ".join(shown) or "the request"


def _missing(model: Model, place: Place, where: str) -> SkerryError:
    fields = list(_fields(model, place))
    hint = _noted(fields[-1], WhenMissing) if fields else None
    return SkerryError(Code.INVALID, f"{where}: is missing", hint.hint if hint else "Give one")


def _known(model: Model, place: Place) -> str:
    """The options that there are where an unknown one was given."""
    *above, _ = [part for part in place if not isinstance(part, int)]
    if not above and "verb" in model.model_fields:  # what a request consists of is not the user's business
        return "Leave it out"
    inside = model
    for field in _fields(model, tuple(above)):
        found = _model(field.annotation)
        if found is None:
            return "Leave it out"
        inside = found
    options = [name for name in inside.model_fields if name != "verb"]
    return f"There are {', '.join(options)}"


def _own_text(where: str, error: ErrorDetails) -> SkerryError:
    """An error that one of our own validators raised: it says what is wrong; after a semicolon, what would be right."""
    wrong, _, right = str(error["ctx"]["error"]).partition("; ")
    return SkerryError(Code.INVALID, f"{where}: {wrong}", right[:1].upper() + right[1:])


def _expected(error: ErrorDetails) -> str:
    describe = _EXPECTED.get(error["type"])
    if describe is not None:
        return describe(error)
    kinds = (words for prefix, words in _EXPECTED_KINDS.items() if error["type"].startswith(prefix))
    return next(kinds, error["msg"])
