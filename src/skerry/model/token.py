"""What a token is: a secret text that stands for rights, which the store knows by its digest alone."""

import binascii
import dataclasses
import datetime
import hashlib
import ipaddress
import re
import secrets
import string
from collections.abc import Iterable
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Field, model_validator

from skerry.model.base import Frozen, Name
from skerry.model.duration import parse_duration
from skerry.model.errors import Code, SkerryError

PREFIX = "sk_"
NEVER = "never"
ROOT = "root"  # who makes a token at the socket that has none
DIGEST = r"^[0-9a-f]{64}$"
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_RANDOM, _SUM = 27, 6  # characters: 160 bits, and their CRC32
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{_RANDOM}}})([0-9A-Za-z]{{{_SUM}}})")


def _base62(number: int, length: int) -> str:
    found = ""
    for _ in range(length):
        number, digit = divmod(number, len(_DIGITS))
        found = _DIGITS[digit] + found
    return found


def _check_sum(text: str) -> str:
    return _base62(binascii.crc32(text.encode()), _SUM)


def new() -> str:
    """A token that nobody has: 160 random bits, and a sum that finds a slip of the pen."""
    text = _base62(secrets.randbits(160), _RANDOM)
    return f"{PREFIX}{text}{_check_sum(text)}"


def digest(token: str) -> str:
    """What the store knows of a token, and what is sent to the engine in its place: its SHA-256.

    Raises:
        SkerryError: it has not the form of a token, or a character of it is wrong. The message has nothing of it.
    """
    found = _FORM.fullmatch(token)
    if found is None:
        raise SkerryError(
            Code.INVALID,
            f"token: this has not the form of one ({len(token)} characters)",
            f"Give all of it: {PREFIX} and {_RANDOM + _SUM} letters and digits",
        )
    if _check_sum(found[1]) != found[2]:
        raise SkerryError(
            Code.INVALID,
            "token: its last characters do not fit the others, so some are wrong or missing",
            "Copy it again, whole",
        )
    return hashlib.sha256(token.encode()).hexdigest()


class TokenKey(Frozen):
    """How a person names a token: its realm, unless it is the operator's, and its name."""

    in_words: ClassVar[str] = "a name, and a realm unless it is the operator's"
    realm: Annotated[
        Name | None,
        Field(
            description="Tenant whose resources it reaches. Without one it is the operator's, for the whole host."
        ),
    ] = None
    name: Annotated[Name, Field(description="Name of the token, unique in its realm, or REALM/NAME.")]

    @model_validator(mode="before")
    @classmethod
    def _with_realm(cls, value: Any) -> Any:
        text = value.get("name") if isinstance(value, dict) else None
        if not isinstance(text, str) or "/" not in text:
            return value
        realm, _, name = text.partition("/")
        if value.get("realm") not in {None, realm}:
            raise ValueError(
                f"name {text!r} is of realm {realm}, and the realm is {value['realm']!r}; give one of the two"
            )
        return value | {"realm": realm, "name": name}

    def __str__(self) -> str:
        return f"{self.realm}/{self.name}" if self.realm else self.name


def _network(text: str) -> str:
    try:
        fits = ipaddress.ip_network("" if "%" in text else text, strict=False)
    except ValueError:
        raise ValueError(
            f"{text!r} is no network; give one such as 192.0.2.0/24, 2001:db8::/32 or a single address"
        ) from None
    if fits.network_address != ipaddress.ip_address(text.partition("/")[0]):
        raise ValueError(f"{text!r} has bits of an address behind its /{fits.prefixlen}; give {fits}")
    return str(fits)


def networks(values: list[str]) -> list[str]:
    """Networks as they are written in short, each once.

    Raises:
        ValueError: one of them is none.
    """
    return list(dict.fromkeys(map(_network, values)))


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address of a client; one of IPv4 in the clothes of IPv6 is the former.

    Raises:
        ValueError: it is none.
    """
    found = ipaddress.ip_address(text)
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id:
            raise ValueError(f"{text!r} has a scope")
        return found.ipv4_mapped or found
    return found


def now() -> datetime.datetime:
    """The time, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def moment(text: str | None) -> str | None:
    """When a token ends, in RFC 3339 and UTC, from a duration that begins now or a date; None where it never does.

    Raises:
        ValueError: it is neither, or it is over.
    """
    if text in {None, NEVER}:
        return None
    try:
        seconds = parse_duration(str(text))
    except ValueError:
        found = _date(str(text))
    else:
        found = now() + datetime.timedelta(seconds=seconds)
    if found <= now():
        raise ValueError(f"{text!r} is over; give a time to come")
    return found.isoformat(timespec="seconds")


def _date(text: str) -> datetime.datetime:
    try:
        found = datetime.datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=datetime.UTC)).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time; give a duration such as 90d, a date such as 2027-01-31, or {NEVER}"
        ) from None


def _check_moment(text: str | None) -> str | None:
    moment(text)
    return text


Expires = Annotated[
    str | None,
    AfterValidator(_check_moment),
    Field(
        description="When it ends: a duration from now such as 90d, a date or time such as 2027-01-31T12:00Z (UTC where it "
        f"names no zone), or {NEVER}."
    ),
]
Networks = Annotated[
    Annotated[list[str], AfterValidator(networks), Field(max_length=64)] | None,
    Field(
        description="Network that it may be used from, such as 192.0.2.0/24 or 2001:db8::/32. Without any, from anywhere.",
    ),
]


@dataclasses.dataclass(frozen=True)
class KeptToken:
    """One token as the store knows it: all but the token itself.

    Attributes:
        digest: the token's SHA-256.
        realm_id: its realm; empty where it is the operator's.
        project_ids: the projects that it is held to; none means all of the realm. One that is deleted stays here, so that
            a token of deleted projects reaches nothing.
        projects: the names of those that are there.
        template: what its verbs were taken from; empty where they were named.
        verbs: what it may ask.
        cidrs: where from; none means everywhere.
        expires: when it ends; empty for never.
        created_by: the token that made it, or :data:`ROOT`.
        rotated: when it got the value that it has.
    """

    id: str
    key: TokenKey
    digest: str = dataclasses.field(repr=False)
    realm_id: str = ""
    project_ids: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    template: str = ""
    verbs: tuple[str, ...] = ()
    cidrs: tuple[str, ...] = ()
    expires: str = ""
    created: str = ""
    created_by: str = ROOT
    rotated: str = ""

    @property
    def operators(self) -> bool:
        """Whether it is about the whole host."""
        return not self.realm_id

    @property
    def whole_realm(self) -> bool:
        """Whether it is about all projects of its realm, or of the host."""
        return not self.project_ids

    @property
    def place(self) -> str:
        """What it is about, for a person."""
        if self.operators:
            return "the whole host"
        if self.whole_realm:
            return f"realm {self.key.realm}"
        named = ", ".join(f"{self.key.realm}/{one}" for one in self.projects)
        return f"project {named}" if named else "projects that are gone"

    def sees_realm(self, realm: str) -> bool:
        """Whether it is about all of a realm."""
        return self.operators or (self.whole_realm and realm == self.key.realm)

    def sees(self, realm: str, project: str) -> bool:
        """Whether it is about a project of a realm."""
        return self.sees_realm(realm) or (realm == self.key.realm and project in self.projects)

    def over(self, when: datetime.datetime) -> bool:
        """Whether it has ended then."""
        return bool(self.expires) and datetime.datetime.fromisoformat(self.expires) <= when

    def lets_in(self, source: str) -> bool:
        """Whether it may be used from an address."""
        return not self.cidrs or _in_any(f"{address(source)}", self.cidrs)

    def beyond(self, other: "KeptToken") -> str:
        """What it grants that ``other`` does not, in words; empty where it grants no more."""
        if not other.operators and self.realm_id != other.realm_id:
            return "realm: it would reach more than that"
        if not other.whole_realm and (self.whole_realm or set(self.project_ids) - set(other.project_ids)):
            return f"projects: it would reach more than {other.place}"
        if more := sorted(set(self.verbs) - set(other.verbs)):
            return f"verbs: it would have {', '.join(more[:5])}{' and more' if len(more) > 5 else ''}"
        if other.cidrs and not (self.cidrs and all(_in_any(one, other.cidrs) for one in self.cidrs)):
            return f"cidrs: it could be used from more than {', '.join(other.cidrs)}"
        if other.expires and (not self.expires or self.expires > other.expires):
            return f"expires: it would end later than {other.expires}"
        return ""


def _in_any(text: str, cidrs: Iterable[str]) -> bool:
    """Whether an address or network is in one of some networks."""
    own = ipaddress.ip_network(text)
    for one in map(ipaddress.ip_network, cidrs):
        same = own.version == one.version
        if same and own.network_address in one and own.prefixlen >= one.prefixlen:
            return True
    return False
