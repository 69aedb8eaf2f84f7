"""What is wrong with a request, in plain words: pydantic's findings without its jargon."""

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, PlainSerializer, ValidationError
from pydantic_core import ErrorDetails

from skerry.model.container import ContainerKey, Service, Spec
from skerry.model.errors import Code, SkerryError
from skerry.model.size import format_size

_SHOWN = 60  # characters of a bad value
_BEFORE_A_VERB = {"request", "of"}  # the wire format's own rooms: the user knows options only
_GROUPS = {"container", "spec"}
_SIZES = {
    name
    for name, field in Spec.model_fields.items()
    if any(isinstance(m, PlainSerializer) for m in field.metadata)
}

PATTERNS = {
    r"^[a-z]([a-z0-9-]*[a-z0-9])?$": "lower-case letters, digits and dashes; a letter first, no dash last",
    r"^[a-z0-9][a-z0-9._-]{0,57}$": "lower-case letters, digits, dots, dashes and underscores, at most 58",
    r"^[0-9a-f]{64}$": "64 hex digits, as sha256sum prints them",
    r"^[a-z0-9][a-z0-9+.-]*$": "the name of a Debian package",
    r"^[a-z]+$": "the code name of a Debian release, such as trixie",
    r"^0[0-7]{3}$": "permissions in octal, in quotes, such as '0644'",
    r"^/": "a path that begins with /",
}
_MODELS: Mapping[str, str] = {"Service": "a name and a port", "ContainerKey": "a realm, a project and a name"}


def plain(number: float) -> str:
    """A number as people write it: 1024, not 1024.0 or 1.024e3."""
    return str(int(number)) if number == int(number) else str(number)


def _bound(error: ErrorDetails, kind: str) -> str:
    bound = error["ctx"][kind]
    return format_size(bound) if error["loc"][-1] in _SIZES else plain(bound)


def _choices(error: ErrorDetails) -> str:
    return str(error["ctx"]["expected"]).replace("'", "")


_WANTED: Mapping[str, Callable[[ErrorDetails], str]] = {
    "greater_than_equal": lambda error: f"at least {_bound(error, 'ge')}",
    "less_than_equal": lambda error: f"at most {_bound(error, 'le')}",
    "string_too_long": lambda error: f"at most {error['ctx']['max_length']} characters",
    "string_too_short": lambda error: f"at least {error['ctx']['min_length']} character",
    "too_long": lambda error: f"at most {error['ctx']['max_length']} entries",
    "string_pattern_mismatch": lambda error: PATTERNS.get(
        error["ctx"]["pattern"], f"text that matches {error['ctx']['pattern']}"
    ),
    "literal_error": _choices,
    "model_type": lambda error: _MODELS.get(error["ctx"]["class_name"], "an object with its options"),
    "string_unicode": lambda _error: "text in UTF-8",
    "string_type": lambda _error: "text, in quotes",
    "list_type": lambda _error: "a list",
    "tuple_type": lambda _error: "a list",
    "dict_type": lambda _error: "names, each with its value",
}
_WANTED_KINDS = {
    "int_": "a whole number",
    "float_": "a number",
    "finite_": "a number",
    "bool_": "true or false",
}


def readable(error: ValidationError) -> SkerryError:
    """The first thing that is wrong with a request: which option, what came, what would be right."""
    first = error.errors()[0]
    where = _where(first)
    match first["type"]:
        case "missing":
            return _missing(where)
        case "extra_forbidden":
            return SkerryError(Code.INVALID, f"{where}: there is no such option", _known(first, error.title))
        case "value_error":
            return _own_words(where, first)
        case "union_tag_invalid":
            verbs = str(first["ctx"]["expected_tags"]).replace("'", "")
            return _refused("verb", first["ctx"]["tag"], f"one of {verbs}")
        case "union_tag_not_found":
            return SkerryError(Code.INVALID, "verb: is missing", "Say what to do, such as list")
    return _refused(where, first["input"], _wanted(first))


def _refused(where: str, found: object, wanted: str) -> SkerryError:
    shown = repr(found)
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    return SkerryError(Code.INVALID, f"{where}: {shown} is not allowed", f"Give {wanted}")


def _where(error: ErrorDetails) -> str:
    """The option that an error is about, as a person would say it: ``services, entry 1, name``."""
    words, after_room = [], False
    for part in (part for part in error["loc"] if part != "[key]"):
        if isinstance(part, int):
            words.append(f"entry {part + 1}")
        elif words or not (after_room or part in _BEFORE_A_VERB | _GROUPS):
            words.append(part)
        after_room = part in _BEFORE_A_VERB and not words
    return ", ".join(words) or str(error["loc"][-1] if error["loc"] else "the request")


def _missing(where: str) -> SkerryError:
    hints = {
        "image": "A new container needs an image: name one. If the container should exist already, check its name",
    }
    return SkerryError(Code.INVALID, f"{where}: is missing", hints.get(where, "Give one"))


def _known(error: ErrorDetails, title: str) -> str:
    above: Any = error["loc"][-2] if len(error["loc"]) > 1 else title
    models: dict[Any, type[BaseModel]] = {"spec": Spec, "Spec": Spec, "container": ContainerKey}
    model = Service if isinstance(above, int) else models.get(above)
    return f"There are {', '.join(model.model_fields)}" if model else "Leave it out"


def _own_words(where: str, error: ErrorDetails) -> SkerryError:
    """An error that one of our own validators raised: it says what is wrong; after a semicolon, what would be right."""
    wrong, _, right = str(error["ctx"]["error"]).partition("; ")
    return SkerryError(Code.INVALID, f"{where}: {wrong}", right[:1].upper() + right[1:])


def _wanted(error: ErrorDetails) -> str:
    describe = _WANTED.get(error["type"])
    if describe is not None:
        return describe(error)
    kinds = (words for prefix, words in _WANTED_KINDS.items() if error["type"].startswith(prefix))
    return next(kinds, error["msg"])
