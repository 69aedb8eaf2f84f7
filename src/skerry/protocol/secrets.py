"""What is asked about secrets, and how it is answered. No answer has a value."""

from typing import Annotated, Any, Literal, TypedDict

from pydantic import AfterValidator, Field

from skerry.model.base import Frozen
from skerry.model.container import Secret
from skerry.model.secret import SecretKey, decoded
from skerry.protocol.core import Change, FromInput, Listing, Request, Resource


def _checked(value: str) -> str:
    decoded(value)
    return value


Value = Annotated[
    str,
    AfterValidator(_checked),
    Field(repr=False, description="Its value, any bytes, as base64; at most 512K of bytes."),
    Secret(),
    FromInput(),
]


class _OneSecret(Frozen):
    secret: SecretKey


class SecretSet(_OneSecret, Change):
    """Give a secret a value, which comes from standard input. A new one is made, one that exists is changed."""

    verb: Literal["secret_set"]
    value: Value


class SecretDelete(_OneSecret, Change):
    """Delete a secret; one that a container has is refused."""

    verb: Literal["secret_delete"]


class SecretAbsent(_OneSecret, Change):
    """Delete a secret where it exists: what the Ansible module asks for."""

    verb: Literal["secret_absent"]


class SecretInfo(_OneSecret, Request):
    """Tell about one secret: when it was changed, and which containers have it; never its value."""

    verb: Literal["secret_info"]


class SecretList(Listing):
    """Tell about every secret, or those of one realm or project; never their values."""

    verb: Literal["secret_list"]


class OneSecret(TypedDict):
    """The answer to ``secret_info``: the secret without its value, and the containers that have it."""

    secret: dict[str, Any]


class Secrets(TypedDict):
    """The answer to ``secret_list``."""

    secrets: list[dict[str, Any]]


RESOURCE = Resource(
    "secret",
    1,
    (SecretSet, SecretDelete, SecretAbsent, SecretInfo, SecretList),
    ("name", "project", "version", "changed", "containers"),
)
