"""Whether a request passes a policy, from the same normal form as roles/proxy/files/etc/skerry/locks.lua and as it does."""

import base64
import dataclasses
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any

from skerry.locks import jwt

LONGEST = 8192  # bytes of a token
_AUTHORIZATION = "header:authorization"
_COOKIE = re.compile(rb'(?:[^;,"]|"(?:[^"\\]|\\.)*(?:"|$))+', re.DOTALL)  # as HAProxy divides them
_SCHEME = re.compile(rb"([A-Za-z]+) +([^ ]+)")
Headers = Sequence[tuple[str, bytes]]
Form = Mapping[str, Any]


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a policy sees of a request.

    Attributes:
        ip: the visitor's address.
        headers: its headers, with names in lower case.
        now: seconds since 1970.
    """

    ip: str
    headers: Headers
    now: int


@dataclasses.dataclass(frozen=True)
class Condition:
    """How one condition of a group came out."""

    name: str
    holds: bool
    reason: str


@dataclasses.dataclass(frozen=True)
class Seen:
    """A group with its conditions as far as they were looked at."""

    group: str
    deny: bool
    conditions: tuple[Condition, ...]
    subject: str = ""

    @property
    def holds(self) -> bool:
        """Whether all of them hold."""
        return all(one.holds for one in self.conditions)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What becomes of a request.

    Attributes:
        verdict: ``allow``, ``deny``, or what a visitor is asked for: ``basic``, ``bearer``, ``both``.
        why: the group that decided; ``default``, ``none`` or ``off`` where none did.
        subject: who the program is told that it is; empty where nobody is known.
        groups: the groups that were looked at.
    """

    verdict: str
    why: str
    subject: str = ""
    groups: tuple[Seen, ...] = ()

    @property
    def status(self) -> int:
        """The answer's status; 200 stands for what the program answers."""
        return {"allow": 200, "deny": 403}.get(self.verdict, 401)


def evaluate(form: Form, asked: Asked) -> Verdict:
    """Decide on a request by a policy's normal form."""
    if not form["enabled"]:
        return Verdict("deny", "off")
    seen: list[Seen] = []
    asks = set()
    for group in form["groups"]:
        one = _look(form, group, asked)
        seen.append(one)
        if one.holds:
            verdict = "deny" if group.get("deny") else "allow"
            return Verdict(verdict, group["name"], one.subject if verdict == "allow" else "", tuple(seen))
        address = not group.get("ip") or one.conditions[0].holds
        if address and not group.get("deny"):
            asks.add(group["scheme"])
    if form["default"] == "allow":
        return Verdict("allow", "default", groups=tuple(seen))
    verdict = "both" if len(asks) > 1 else next(iter(asks), "deny")
    return Verdict(verdict, "none", groups=tuple(seen))


def _look(form: Form, group: Form, asked: Asked) -> Seen:
    conditions, subject = [], ""
    if group.get("ip"):
        conditions.append(_address(group["ip"], asked.ip))
    if "from" in group and all(one.holds for one in conditions):
        found, subject = _credential(form, group, asked)
        conditions.append(found)
    return Seen(group["name"], bool(group.get("deny")), tuple(conditions), subject)


def _address(networks: Sequence[str], ip: str) -> Condition:
    address = ipaddress.ip_address(ip)
    for one in networks:
        if address in ipaddress.ip_network(one):
            return Condition("ip", True, f"{ip} is in {one}")
    return Condition("ip", False, f"{ip} is in none of {', '.join(networks)}")


def _credential(form: Form, group: Form, asked: Asked) -> tuple[Condition, str]:
    kind = "jwt" if "jwt" in group else "password" if group["scheme"] == "basic" else "token"
    text, problem = _shown(group, asked.headers)
    if text is None:
        return Condition(kind, False, problem), ""
    if kind == "jwt":
        good = jwt.check(group["jwt"], text, asked.now)
        return Condition(kind, isinstance(good, jwt.Good), str(good)), good.subject if isinstance(
            good, jwt.Good
        ) else ""
    secret = group["secrets"].get(digest(form["salt"], text))
    if secret is None:
        return Condition(kind, False, f"the {kind} is none of this group's"), ""
    if asked.now >= secret.get("expires", asked.now + 1):
        return Condition(kind, False, f"token {secret['subject']} has expired"), ""
    return Condition(kind, True, f"it is that of {secret['subject']}"), jwt.subject_of(
        secret["subject"].encode()
    )


def digest(salt: str, text: bytes) -> str:
    """What a policy knows of a password or token."""
    return jwt.encoded(hmac.new(jwt.decoded(salt.encode()) or b"", text, hashlib.sha256).digest())


def basic(user: str, password: str) -> bytes:
    """What a browser sends for a name and a password."""
    return base64.b64encode(f"{user}:{password}".encode())


def _shown(group: Form, headers: Headers) -> tuple[bytes | None, str]:
    """The one credential that a request shows to a group, or what is wrong."""
    for source in group["from"]:
        kind, _, name = source.partition(":")
        values = (
            _cookies(headers, name) if kind == "cookie" else [text for one, text in headers if one == name]
        )
        text = values[0].strip(b" \t") if len(values) == 1 else b""
        if source == _AUTHORIZATION and text:
            fits = _SCHEME.fullmatch(text)
            text = fits[2] if fits and fits[1].decode().lower() == group["scheme"] else b""
        if text:
            return (text, "") if len(text) <= LONGEST else (None, f"{source} has more than {LONGEST} bytes")
    return None, f"nothing to go by in {', '.join(group['from'])}"


def _cookies(headers: Headers, name: str) -> list[bytes]:
    pairs = (
        pair.strip().partition(b"=")
        for one, text in headers
        if one == "cookie"
        for pair in _COOKIE.findall(text)
    )
    return [value for found, _, value in pairs if found == name.encode()]
