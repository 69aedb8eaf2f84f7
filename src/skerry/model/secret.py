"""What a secret is: bytes with a name, which the store never holds."""

import base64
import binascii
import dataclasses
from typing import Annotated, ClassVar

from pydantic import Field

from skerry.model.base import InProject, Name
from skerry.model.size import format_size

LARGEST = 512 * 1024  # bytes of one
MOST = (
    1000 * 1024
)  # bytes of all that a container has: systemd hands over 1 MiB to a unit, their names among it


class SecretKey(InProject):
    """How a person names a secret: realm (tenant), project, name."""

    in_words: ClassVar[str] = "a realm, a project and a name"
    realm: Annotated[Name, Field(description="Tenant that owns the secret.")] = "default"
    project: Annotated[
        Name,
        Field(
            description="Project of the realm, or REALM/PROJECT. Only containers of the same one can have the secret."
        ),
    ] = "default"
    name: Annotated[Name, Field(description="Name of the secret, unique in its project.")]

    def __str__(self) -> str:
        return f"{self.realm}/{self.project}/{self.name}"


@dataclasses.dataclass(frozen=True)
class KeptSecret:
    """One secret as the store knows it: all but its value.

    Attributes:
        size: bytes of its value.
        version: raised by each new value.
        changed: when it got the value that it has.
    """

    id: str
    realm_id: str
    project_id: str
    key: SecretKey
    size: int
    version: int = 1
    created: str = ""
    changed: str = ""


def decoded(value: str) -> bytes:
    """The bytes of a value that came as base64.

    Raises:
        ValueError: it is no base64, or too long. The message has nothing of it.
    """
    try:
        found = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the value is no base64; use the command or the module, which write it") from None
    if len(found) > LARGEST:
        raise ValueError(f"{len(found)} bytes are too many; give at most {format_size(LARGEST)}")
    return found
