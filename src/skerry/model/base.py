"""What every model is made of."""

from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, StringConstraints

LABEL = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"
Name = Annotated[str, StringConstraints(pattern=LABEL, max_length=32)]


class Frozen(BaseModel):
    """Base of every model: immutable, and a field that is not declared is an error, not a guess."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, hide_input_in_errors=True)
    in_words: ClassVar[str] = "an object with its options"  # what to give instead of something else
