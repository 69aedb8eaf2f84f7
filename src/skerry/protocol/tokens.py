"""What is asked about tokens, and how it is answered. A token itself is in one answer only: that to its making."""

from typing import Annotated, Any, ClassVar, Literal, TypedDict

from pydantic import AfterValidator, Field

from skerry.model.base import Frozen, Name
from skerry.model.token import Expires, Networks, TokenKey
from skerry.protocol.core import Change, Request, Resource
from skerry.protocol.rights import check_verbs


class _OneToken(Frozen):
    token: TokenKey


class _Options(_OneToken, Change):
    tells_once: ClassVar[bool] = True
    projects: Annotated[
        Annotated[list[Name], Field(max_length=64)] | None,
        Field(description="Project of its realm that it is held to. Without any, all of the realm."),
    ] = None
    template: Annotated[
        Literal["operator", "admin", "deploy", "reader"] | None,
        Field(
            description="What it may do: read and see no secret (reader), deploy as well (deploy), all that is in its "
            "realm (admin), or, of the operator's, all (operator)."
        ),
    ] = None
    verbs: Annotated[
        Annotated[list[str], AfterValidator(check_verbs)] | None,
        Field(description="Verb that it may ask, in place of a template, such as snapshot_create."),
    ] = None
    cidrs: Networks = None
    expires: Expires = None


class TokenCreate(_Options):
    """Make a token that must not exist yet. It is shown this once, and kept nowhere."""

    verb: Literal["token_create"]


class TokenEnsure(_Options):
    """Bring a token to a state, whatever it is in now: what the Ansible module asks for."""

    verb: Literal["token_ensure"]
    state: Annotated[
        Literal["present", "absent"],
        Field(
            description="Whether it shall be there. One that is absent is revoked at once, with what is open by it."
        ),
    ]


class TokenRotate(_OneToken, Change):
    """Give a token another value, which is shown this once. The old one is revoked at once."""

    tells_once: ClassVar[bool] = True
    verb: Literal["token_rotate"]
    expires: Expires = None


class TokenRevoke(_OneToken, Change):
    """Revoke a token at once, and end what is open by it."""

    verb: Literal["token_revoke"]


class TokenInfo(_OneToken, Request):
    """Tell all about one token, but for its value."""

    verb: Literal["token_info"]


class TokenList(Request):
    """Tell about every token, or those of one realm; never their values."""

    verb: Literal["token_list"]
    realm: Annotated[Name | None, Field(description="Only those of this realm.")] = None


class TokenSelf(Request):
    """Tell what the token that asks is, and what it may do."""

    for_people: ClassVar[bool] = False
    verb: Literal["token_self"]


class OneToken(TypedDict):
    """The answer to ``token_info`` and ``token_self``."""

    token: dict[str, Any]


class Tokens(TypedDict):
    """The answer to ``token_list``."""

    tokens: list[dict[str, Any]]


RESOURCE = Resource(
    "token",
    1,
    (TokenCreate, TokenEnsure, TokenRotate, TokenRevoke, TokenInfo, TokenList, TokenSelf),
    ("name", "realm", "projects", "template", "cidrs", "expires", "last_used", "created_by"),
)
