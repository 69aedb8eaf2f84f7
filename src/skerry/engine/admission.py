"""Which token asks, and whether it may: decided anew for every request, so that what is revoked is none at once."""

import dataclasses
import logging
import re
from collections.abc import Mapping
from typing import Any

from skerry.model import token as model
from skerry.model.errors import Code, SkerryError
from skerry.model.token import DIGEST, KeptToken
from skerry.protocol import etags, rights
from skerry.protocol.core import PlanOnly, Request
from skerry.protocol.rights import Reach
from skerry.store import tokens
from skerry.store.db import Database

FIELD = "asker"  # of a request's line: who asks
_FIELDS = {"token", "source"}
_MATCH, _KEY = "if_match", "key"
KEY = r"[\x21-\x7e]{1,128}"  # of one request among those of a token
_STATES = 16  # at most, of if_match
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True)
class Asker:
    """Who asks, as a line says it.

    Attributes:
        digest: the SHA-256 of the token, in hex.
        source: the address of the client.
        if_match: in which states the resource may be; none where it must not be there; None for any.
        key: the Idempotency-Key of the request; empty where it has none.
    """

    digest: str
    source: str
    if_match: tuple[str, ...] | None = None
    key: str = ""


def asker_of(raw: dict[str, Any]) -> Asker:
    """Who asks, taken out of a decoded line.

    Raises:
        SkerryError: nobody is named, or not as one is.
    """
    found = raw.pop(FIELD, None)
    if not isinstance(found, dict) or found.keys() - {_MATCH, _KEY} != _FIELDS:
        raise SkerryError(
            Code.UNAUTHORIZED,
            f"{FIELD}: the request does not say which token asks, and from where",
            f"Give {FIELD} with token, the SHA-256 of it in hex, and source, the address of the client",
        )
    digest, source = found["token"], found["source"]
    if not isinstance(digest, str) or not re.fullmatch(DIGEST, digest):
        raise SkerryError(
            Code.INVALID,
            f"{FIELD}, token: this is no SHA-256 in hex",
            "Give 64 hex digits, and never the token itself",
        )
    try:
        model.address(source if isinstance(source, str) else "")
    except ValueError:
        raise SkerryError(
            Code.INVALID,
            f"{FIELD}, source: this is no address",
            "Give the client's address, such as 192.0.2.7 or 2001:db8::7",
        ) from None
    return Asker(digest, str(source), _states(found.get(_MATCH)), _key(found.get(_KEY, "")))


def _key(found: object) -> str:
    """The key that a line names.

    Raises:
        SkerryError: it is none.
    """
    if found != "" and not (isinstance(found, str) and re.fullmatch(KEY, found)):
        raise SkerryError(
            Code.INVALID,
            "Idempotency-Key: this is none",
            "Give 1 to 128 letters, digits and signs, without spaces, such as a UUID",
        )
    return str(found)


def _states(found: object) -> tuple[str, ...] | None:
    """The states that a line names.

    Raises:
        SkerryError: it names none as one does.
    """
    if found is None:
        return None
    if not isinstance(found, list) or len(found) > _STATES or not all(isinstance(one, str) for one in found):
        raise SkerryError(
            Code.INVALID,
            f"{FIELD}, {_MATCH}: this is no list of states",
            f"Give at most {_STATES}, as the API told them",
        )
    return tuple(found)


def check_state(wanted: tuple[str, ...] | None, kind: str, view: Mapping[str, Any] | None) -> None:
    """Refuse a request that was made for another state of the resource. While it is checked, no operation runs there.

    Args:
        wanted: the states that are right; none where nothing must be there; None for any.
        kind: the kind of the resource.
        view: the resource; None where there is none.

    Raises:
        SkerryError: it is in another one.
    """
    if wanted is None or (not wanted and view is None):
        return
    if view is None or etags.etag(kind, view) not in wanted:
        there = (
            "there is none"
            if view is None
            else "it was changed meanwhile"
            if wanted
            else "there is one already"
        )
        raise SkerryError(
            Code.STALE,
            f"the {kind} is in another state than the request was made for: {there}",
            "Read it again, and ask for the change that is left",
        )


def admit(db: Database, asker: Asker, request: Request | PlanOnly) -> KeptToken:
    """The token that asks, which may ask for that.

    Raises:
        SkerryError: it is none, it may not, or the request is about what it can't know of.
    """
    token = _resolve(db, asker)
    asked = request.of if isinstance(request, PlanOnly) else request
    if what := rights.outside(token, asked):
        raise SkerryError(
            Code.NOT_FOUND, f"there is no {what}", "The verb token_self tells what this token reaches"
        )
    _check_reach(token, asked)
    for right in rights.needed(asked):
        if right not in token.verbs:
            raise SkerryError(
                Code.FORBIDDEN,
                f"token {token.key} has not the right {right}",
                "Ask with a token that has it, or whoever made this one for it",
            )
    return token


def _resolve(db: Database, asker: Asker) -> KeptToken:
    """The token that a digest stands for. Why it is none is told to the log alone."""
    token, when = tokens.by_digest(db, asker.digest), model.now()
    why = ""
    if token is None:
        why = f"a token that is none was used from {asker.source}"
    elif token.over(when):
        why = f"token {token.key} ({token.id}), which has ended, was used from {asker.source}"
    elif not token.lets_in(asker.source):
        why = f"token {token.key} ({token.id}) was used from {asker.source}, and may not be from there"
    if token is None or why:
        _log.warning("%s", why)
        raise SkerryError(
            Code.UNAUTHORIZED,
            "this token is none, or none any more, or none here",
            "It may have been revoked or have ended, or it may be held to other networks. Ask who made it",
        )
    tokens.note_use(db, token.id, when.isoformat(timespec="minutes"))
    return token


def _check_reach(token: KeptToken, request: Request) -> None:
    """Refuse a verb that is about more than any token of that realm, or of these projects, can have."""
    right = rights.RIGHTS.get(request.verb)
    if right is None:  # nobody has decided yet whose it is
        what = "root of the host"
    elif right.reach is Reach.HOST and not token.operators:
        what = "tokens of the operator"
    elif right.reach is Reach.REALM and not token.whole_realm:
        what = f"tokens of all of realm {token.key.realm}"
    else:
        return
    raise SkerryError(
        Code.FORBIDDEN,
        f"token {token.key} is about {token.place}, and {request.verb} is for {what}",
        "Ask with such a one",
    )


def check_unchanged(db: Database, token: KeptToken) -> None:
    """Refuse what has waited for its turn, where the token that asked is another one meanwhile, or none.

    Raises:
        SkerryError: it is.
    """
    if tokens.by_digest(db, token.digest) != token or token.over(model.now()):
        raise SkerryError(
            Code.UNAUTHORIZED,
            "this token was revoked or changed, or has ended, while the request waited for its turn",
            "Ask again, if it still may",
        )


def is_good(db: Database, asker: Asker, request: Request | PlanOnly) -> bool:
    """Whether a request that was admitted still would be."""
    try:
        admit(db, asker, request)
    except SkerryError:
        return False
    return True
