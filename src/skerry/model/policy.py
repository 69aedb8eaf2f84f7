"""What a policy is: who gets through to the URLs of a container, or of every container of a project."""

import dataclasses
import datetime
import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from skerry.model.base import LABEL, Frozen, InProject, Name
from skerry.model.container import Secret
from skerry.model.token import Expires, networks

MOST_GROUPS = 32
RESERVED = ("default", "none", "off")  # what decides where no group does
_SOURCE = re.compile(r"header:[a-z0-9-]{1,64}|cookie:[A-Za-z0-9_-]{1,64}")
_OWN = frozenset({"connection", "content-length", "cookie", "host", "te", "transfer-encoding", "upgrade"})
DEFAULT_SOURCE = "header:authorization"
USER = r"^[^\x00-\x20:\x7f]{1,64}$"
KID = r"^[^\x00-\x1f\x7f]{1,128}$"


def _source(text: str) -> str:
    kind, _, name = text.partition(":")
    found = f"{kind}:{name.lower()}" if kind == "header" else text
    if not _SOURCE.fullmatch(found) or (kind == "header" and name.lower() in _OWN):
        raise ValueError(
            f"{text[:80]!r} is no source; give header:NAME, such as header:x-key, or cookie:NAME"
        )
    return found


def _networks(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(networks(list(values)))


def _group_name(text: str) -> str:
    if text in RESERVED:
        raise ValueError(f"{text!r} says that no group decides; choose another name")
    return text


Source = Annotated[str, AfterValidator(_source)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]
GroupName = Annotated[
    str, StringConstraints(pattern=LABEL, max_length=32), AfterValidator(_group_name)
]  # fmt: skip


class Login(Frozen):
    """A user who logs in by name and password."""

    in_words: ClassVar[str] = "an object with user and password"
    user: Annotated[
        str,
        StringConstraints(pattern=USER),
        Field(description="Name of the user. The program gets it as X-Auth-Subject."),
    ]
    password: Annotated[
        Annotated[str, StringConstraints(min_length=8, max_length=256)] | None,
        Field(
            repr=False,
            description="Password, of 8 characters at least. Without one, a user keeps what there is.",
        ),
        Secret(),
    ] = None


class LockToken(Frozen):
    """A bearer token that a policy makes."""

    in_words: ClassVar[str] = "an object with a name"
    name: Annotated[Name, Field(description="Name of the token. The program gets it as X-Auth-Subject.")]
    expires: Expires = None


class JwtKey(Frozen):
    """A public key of an issuer."""

    in_words: ClassVar[str] = "an object with kid and pem"
    kid: Annotated[
        str, StringConstraints(pattern=KID), Field(description="The kid by which a token names the key.")
    ]
    pem: Annotated[
        str, Field(description="The public key: RSA of 2048 bits at least (RS256), or on P-256 (ES256).")
    ]


class Claim(Frozen):
    """What a token must say."""

    in_words: ClassVar[str] = "an object with name and values"
    name: Annotated[Text, Field(description="Name of the claim.")]
    values: Annotated[
        Annotated[tuple[Text, ...], Field(min_length=1, max_length=64)],
        Field(description="Text of which it has one, exactly. A claim that is a list has one of them in it."),
    ]


class Jwt(Frozen):
    """Which JSON Web Tokens are good: those that a key has signed, of one issuer, for one audience."""

    in_words: ClassVar[str] = "an object with secret or keys"
    secret: Annotated[
        Annotated[str, StringConstraints(min_length=32, max_length=512)] | None,
        Field(repr=False, description="Secret by which they are signed (HS256), of 32 characters at least."),
        Secret(),
    ] = None
    keys: Annotated[
        Annotated[tuple[JwtKey, ...], Field(max_length=16)],
        Field(description="The public keys, in place of a secret."),
    ] = ()
    issuer: Annotated[Text | None, Field(description="What the claim iss must be.")] = None
    audience: Annotated[
        Annotated[tuple[Text, ...], Field(max_length=16)],
        Field(description="Text of which the claim aud must have one. Without any, it is not looked at."),
    ] = ()
    claims: Annotated[
        Annotated[tuple[Claim, ...], Field(max_length=16)], Field(description="What else a token must say.")
    ] = ()

    @model_validator(mode="after")
    def _one_of_two(self) -> "Jwt":
        if bool(self.secret) == bool(self.keys):
            raise ValueError("it has both a secret and keys, or neither; give one of the two")
        for field, names in (
            ("keys", [one.kid for one in self.keys]),
            ("claims", [one.name for one in self.claims]),
        ):
            _check_once(field, names)
        return self


class Group(Frozen):
    """Conditions that must all hold: an address, and one kind of credential."""

    in_words: ClassVar[str] = "an object with a name and conditions"
    name: Annotated[
        GroupName, Field(description="Name of the group, which logs, explain and X-Auth-Group show.")
    ]
    deny: Annotated[
        bool, Field(description="It refuses whom it is about, whatever the other groups allow.")
    ] = False
    ip: Annotated[
        Annotated[tuple[str, ...], AfterValidator(_networks), Field(max_length=64)],
        Field(description="Network that the visitor is in, such as 192.0.2.0/24 or 2001:db8::/32."),
    ] = ()
    passwords: Annotated[
        Annotated[tuple[Login, ...], Field(max_length=64)],
        Field(description="Users, of whom the visitor is one by password (HTTP Basic)."),
    ] = ()
    tokens: Annotated[
        Annotated[tuple[LockToken, ...], Field(max_length=64)],
        Field(description="Bearer tokens, of which the visitor has one. A new one is made, and shown once."),
    ] = ()
    jwt: Annotated[Jwt | None, Field(description="JSON Web Tokens, of which the visitor has one.")] = None
    sources: Annotated[
        Annotated[tuple[Source, ...], Field(max_length=4)],
        Field(
            description="Where a token is looked for: header:NAME or cookie:NAME, the first that is there. Without any, in "
            "the header Authorization, as Bearer."
        ),
    ] = ()

    @model_validator(mode="after")
    def _fits(self) -> "Group":
        kinds = [name for name in ("passwords", "tokens", "jwt") if getattr(self, name)]
        if len(kinds) > 1:
            raise ValueError(
                f"it has {' and '.join(kinds)}; give each a group of its own: one of them suffices then"
            )
        if not kinds and not self.ip:
            raise ValueError("it has no condition; give ip, passwords, tokens or jwt")
        if self.sources and kinds not in (["tokens"], ["jwt"]):
            raise ValueError("it has sources, which are for tokens and jwt; leave them out")
        _check_once("passwords", [one.user for one in self.passwords])
        _check_once("tokens", [one.name for one in self.tokens])
        return self


def _check_once(what: str, names: list[str]) -> None:
    twice = {one for one in names if names.count(one) > 1}
    if twice:
        raise ValueError(f"{what}: {min(twice)!r} is there twice; give each once")


def check_groups(groups: tuple[Group, ...]) -> tuple[Group, ...]:
    """Groups whose names differ.

    Raises:
        ValueError: two of them have the same one.
    """
    _check_once("groups", [one.name for one in groups])
    return groups


Default = Literal["allow", "deny"]


class PolicyKey(InProject):
    """How a person names a policy: by what it is of, a container or a project."""

    in_words: ClassVar[str] = "a realm, a project and perhaps a container"
    realm: Annotated[Name, Field(description="Tenant of the project.")] = "default"
    project: Annotated[Name, Field(description="Project of the realm, or REALM/PROJECT.")] = "default"
    container: Annotated[
        Name | None,
        Field(
            description="Container that it is of. Without one it is the project's, for its containers with no own one."
        ),
    ] = None

    def __str__(self) -> str:
        own = f"/{self.container}" if self.container else ""
        return f"{self.realm}/{self.project}{own}"


@dataclasses.dataclass(frozen=True)
class KeptPolicy:
    """One policy as the store knows it. Its secrets are in ``sealed`` alone, which only this host's secret opens.

    Attributes:
        id: of its own.
        owner: id of the container or project that it is of.
        shown: its groups as people may see them.
        sealed: the normal form that is evaluated, encrypted.
        version: raised by each change.
    """

    id: str
    owner: str
    project_id: str
    key: PolicyKey
    default: str
    enabled: bool
    shown: list[dict[str, Any]]
    sealed: str
    version: int = 1
    created: str = ""
    changed: str = ""


def seconds(moment: str) -> int:
    """A moment as seconds since 1970."""
    return int(datetime.datetime.fromisoformat(moment).timestamp())
