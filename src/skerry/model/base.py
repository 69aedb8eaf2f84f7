"""What every model is made of."""

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints, model_validator

DEFAULT = "default"  # the realm, and the project of it, that every host has
LABEL = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=LABEL, max_length=32)]


class Frozen(BaseModel):
    """Base of every model: immutable, and a field that is not declared is an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)
    in_words: ClassVar[str] = "an object with its options"  # what to give instead of something else


def with_realm(value: Any, field: str = "project") -> Any:
    """What names a realm and a project, where the project is written as ``REALM/PROJECT``: with each in its own field.

    Raises:
        ValueError: a realm is given as well, and it is another one.
    """
    text = value.get(field) if isinstance(value, dict) else None
    if not isinstance(text, str) or "/" not in text:
        return value
    realm, _, project = text.partition("/")
    given = value.get("realm")
    if given not in {None, DEFAULT, realm}:
        raise ValueError(
            f"{field} {text!r} is of realm {realm}, and the realm is {given!r}; give one of the two"
        )
    return value | {"realm": realm, field: project}


class InProject(Frozen):
    """Base of what has a ``realm`` and a ``project``, which may be written as ``REALM/PROJECT`` in one."""

    @model_validator(mode="before")
    @classmethod
    def _with_realm(cls, value: Any) -> Any:
        return with_realm(value)
