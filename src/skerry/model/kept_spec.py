"""What is written beside the files of containers and volumes, so that a lost store can be rebuilt from it. JSON."""

import json
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, ValidationError

from skerry.model.base import Frozen

Which = Literal["realm", "project", "image", "volume", "secret", "container"]
_Text = Annotated[str, Field(max_length=1024)]
Row = dict[_Text, str | int | None]


class KeptSpec(Frozen):
    """One realm, project, image, volume, secret or container as the store had it. A secret's value is not in it.

    Attributes:
        version: of this form.
        name: how a person names it.
        host: the domain of the host's URLs.
        skerry: the version of Skerry that wrote it.
        epoch: under which the host drew ids then.
        tables: the version of the store's schema, and of each kind's tables.
        rows: its rows, by table.
    """

    in_words = "an object as Skerry wrote it"
    version: Literal[1] = 1
    kind: Which
    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{24,64}$")]
    name: _Text
    host: _Text
    skerry: _Text
    epoch: Annotated[int, Field(ge=1, le=2**62)]
    tables: dict[_Text, Annotated[int, Field(ge=0)]]
    rows: dict[_Text, tuple[Row, ...]]

    def as_text(self) -> str:
        """Itself as a file has it."""
        return f"{self.model_dump_json(indent=1)}\n"

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def read(text: str, kind: str, one: str) -> KeptSpec:
    """What a file of that kind and id has.

    Raises:
        ValueError: it is damaged, another's, or a newer Skerry's; the message says where.
    """
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError("it is no JSON") from None
    try:
        spec = KeptSpec.model_validate(found)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "its beginning"
        raise ValueError(f"it is wrong at {place}: {first['msg']}") from None
    if (spec.kind, spec.id) != (kind, one):
        raise ValueError(f"it is of {spec.kind} {spec.id}")
    return spec
