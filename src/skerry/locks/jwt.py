"""JSON Web Tokens, checked as the proxy checks them: by a key that the policy has, never by one that the token names."""

import base64
import binascii
import dataclasses
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_SKEW = 30  # seconds that an issuer's clock may be ahead
_LONGEST_SUBJECT = 256
_DEEPEST = 32
_LATEST = 2**53
_FORM = re.compile(rb"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)


@dataclasses.dataclass(frozen=True)
class Good:
    """A token that is good now; ``subject`` is whom it is about, as a header can have it."""

    subject: str

    def __str__(self) -> str:
        return f"it is good, of {self.subject or 'nobody named'}"


def encoded(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: bytes) -> bytes | None:
    """The same back, of the one canonical form only."""
    try:
        found = base64.b64decode(text + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if encoded(found).encode() == text else None


def subject_of(text: bytes) -> str:
    """A subject as a header can have it: all but plain characters is encoded by percent."""
    return "".join(chr(one) if 0x21 <= one <= 0x7E and one != 0x25 else f"%{one:02X}" for one in text)


def check(policy: Mapping[str, Any], token: bytes, now: int) -> Good | str:
    """Who has a token, or what is wrong with it. The message has nothing of it but what its head says."""
    parts = _FORM.fullmatch(token)
    data = [decoded(one) for one in parts.groups()] if parts else []
    if not parts or None in data:
        return "it has not the form of a JSON Web Token"
    header, claims = (_read(one or b"") for one in data[:2])
    if header is None or claims is None:
        return "its head or its claims are no JSON object"
    if "crit" in header:
        return "its head has crit, which nothing here understands"
    key = _key(policy["keys"], header)
    if key is None:
        return f"none of the policy's keys is the one that it names ({str(header.get('kid'))[:80]!r})"
    if header.get("alg") != key["alg"]:
        return f"its alg is {str(header.get('alg'))[:20]!r}, and the key is for {key['alg']}"
    if not _signed(key, parts[1] + b"." + parts[2], data[2] or b""):
        return "its signature is not by that key"
    return _said(policy, claims) or _timely(claims, now) or Good(subject_of(_raw_subject(claims)))


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data.decode(), parse_constant=_refused)
        json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and _depth(found) <= _DEEPEST else None


def _refused(text: str) -> None:
    raise ValueError(text)


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        deepest += 1
        level = [inner for one in level for inner in (one.values() if isinstance(one, dict) else one)]
    return deepest


def _key(keys: Mapping[str, Any], header: Mapping[str, Any]) -> Any:
    if "" in keys:
        return keys[""]
    if "kid" in header:
        return keys.get(header["kid"]) if isinstance(header["kid"], str) else None
    return next(iter(keys.values())) if len(keys) == 1 else None


def _signed(key: Mapping[str, str], text: bytes, signature: bytes) -> bool:
    if key["alg"] == "HS256":
        right = hmac.new(decoded(key["key"].encode()) or b"", text, hashlib.sha256).digest()
        return hmac.compare_digest(right, signature)
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - its import takes longer than all else
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils  # noqa: PLC0415

    public = serialization.load_pem_public_key(key["key"].encode())
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, text, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(public, ec.EllipticCurvePublicKey) and len(signature) == 64:
            numbers = (int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))
            public.verify(utils.encode_dss_signature(*numbers), text, ec.ECDSA(hashes.SHA256()))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _said(policy: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    if "issuer" in policy and claims.get("iss") != policy["issuer"]:
        return "its issuer (iss) is another one"
    if "audience" in policy and not _any_of(claims.get("aud"), policy["audience"]):
        return "it is for another audience (aud)"
    for name, allowed in policy["claims"].items():
        if not _any_of(claims.get(name), allowed):
            return f"its claim {name} has none of {', '.join(allowed)}"
    return ""


def _any_of(value: Any, allowed: Sequence[str]) -> bool:
    return any(
        isinstance(one, str) and one in allowed for one in (value if isinstance(value, list) else [value])
    )


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_LATEST < value < _LATEST


def _timely(claims: Mapping[str, Any], now: int) -> str:
    if not _is_time(claims.get("exp")):
        return "it never expires (exp), or not at a time that can be read"
    if "nbf" in claims and not _is_time(claims["nbf"]):
        return "its nbf is no time"
    if len(_raw_subject(claims)) > _LONGEST_SUBJECT:
        return f"its sub is longer than {_LONGEST_SUBJECT} bytes"
    if now >= claims["exp"]:
        return "it has expired"
    if now < claims.get("nbf", 0) - _SKEW:
        return "it is not good yet (nbf)"
    return ""


def _raw_subject(claims: Mapping[str, Any]) -> bytes:
    subject = claims.get("sub")
    return subject.encode() if isinstance(subject, str) else b""
