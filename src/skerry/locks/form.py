"""From what people write to the normal form of a policy, and to what others may see of it.

The normal form is JSON. Of passwords and tokens it has an HMAC under a salt of its own; the secret of JWTs it has itself.
It lies encrypted in the store, by a key made of the host's secret. In clear it is in the proxy's memory and its map.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from skerry.locks import jwt
from skerry.locks.evaluate import basic, digest
from skerry.model.errors import Code, SkerryError
from skerry.model.policy import DEFAULT_SOURCE, Group, Jwt, seconds
from skerry.model.token import moment

LARGEST = 8000  # bytes of a normal form: its entry must fit into one command of HAProxy's
TOKEN = "lk_"  # noqa: S105 - how each begins
Form = dict[str, Any]


def new_salt() -> str:
    """For a policy that is new."""
    return jwt.encoded(secrets.token_bytes(16))


def make(
    default: str, groups: Sequence[Group], before: Form | None, *, enabled: bool
) -> tuple[Form, list[dict[str, Any]], dict[str, str]]:
    """The normal form of a policy, what may be seen of it, and the tokens that it makes, by group and name.

    Args:
        default: what becomes of requests that no group is about.
        groups: its groups.
        before: the normal form that it has now.
        enabled: whether anybody gets through at all.

    Raises:
        SkerryError: a key is none, a new user has no password, or all of it is too large.
    """
    form: Form = {"enabled": enabled, "default": default, "salt": before["salt"] if before else new_salt()}
    had = {one["name"]: one for one in before["groups"]} if before else {}
    made: dict[str, str] = {}
    pairs = [(one, _group(form["salt"], one, had.get(one.name, {}), made)) for one in groups]
    form["groups"] = sorted((one for _, one in pairs), key=lambda one: not one.get("deny"))
    form["from"] = sorted({source for one in form["groups"] for source in one.get("from", ())})
    if (size := len(text(form))) > LARGEST:
        raise SkerryError(
            Code.INVALID,
            f"groups: together they take {size} bytes, and a policy may have {LARGEST}",
            "Leave out users, networks or keys, or give the containers policies of their own",
        )
    return form, [_shown(group, one) for group, one in pairs], made


def text(form: Form) -> bytes:
    """The normal form as bytes."""
    return json.dumps(form, separators=(",", ":"), sort_keys=True).encode()


def value(owner: str, form: Form) -> str:
    """The entry of a policy in the proxy's map."""
    return f"{owner}.{jwt.encoded(text(form))}"


def _group(salt: str, group: Group, had: Form, made: dict[str, str]) -> Form:
    found: Form = {"name": group.name}
    if group.deny:
        found["deny"] = True
    if group.ip:
        found["ip"] = list(group.ip)
    if group.passwords:
        found |= {"scheme": "basic", "from": [DEFAULT_SOURCE], "secrets": _passwords(salt, group, had)}
    elif group.tokens:
        found |= {"scheme": "bearer", "secrets": _tokens(salt, group, had, made)}
    elif group.jwt:
        found |= {"scheme": "bearer", "jwt": _jwt(group.name, group.jwt)}
    if found.get("scheme") == "bearer":
        found["from"] = list(group.sources) or [DEFAULT_SOURCE]
    return found


def _passwords(salt: str, group: Group, had: Form) -> Form:
    kept = {one["subject"]: name for name, one in had.get("secrets", {}).items() if had["scheme"] == "basic"}
    found = {}
    for login in group.passwords:
        if login.password is None and login.user not in kept:
            raise SkerryError(
                Code.INVALID,
                f"groups: user {login.user!r} of group {group.name} is new and has no password",
                "Give it one. Only a user who is there already keeps what there is",
            )
        name = kept[login.user] if login.password is None else digest(salt, basic(login.user, login.password))
        found[name] = {"subject": login.user}
    return found


def _tokens(salt: str, group: Group, had: Form, made: dict[str, str]) -> Form:
    old = had.get("secrets", {}).items() if had.get("scheme") == "bearer" else ()
    kept = {one["subject"]: (name, one.get("expires")) for name, one in old}
    found = {}
    for token in group.tokens:
        name, expires = kept.get(token.name, ("", None))
        if not name:
            new = made[f"{group.name}/{token.name}"] = f"{TOKEN}{secrets.token_urlsafe(32)}"
            name = digest(salt, new.encode())
        lasts = token.expires is not None and token.expires[-1:] in "mhdw"
        if not (lasts and expires):  # a duration of one that is there has begun already
            end = moment(token.expires)
            expires = seconds(end) if end else None
        found[name] = {"subject": token.name} | ({"expires": expires} if expires else {})
    return found


def _jwt(group: str, given: Jwt) -> Form:
    found: Form = {"claims": {one.name: list(one.values) for one in given.claims}}
    if given.issuer:
        found["issuer"] = given.issuer
    if given.audience:
        found["audience"] = list(given.audience)
    if given.secret is not None:
        found["keys"] = {"": {"alg": "HS256", "key": jwt.encoded(given.secret.encode())}}
    else:
        found["keys"] = {one.kid: _public(group, one.kid, one.pem) for one in given.keys}
    return found


def _public(group: str, kid: str, pem: str) -> dict[str, str]:
    """A key in its normal form, with the one algorithm that it is for.

    Raises:
        SkerryError: it is none, a private one, too short, or of an algorithm that the proxy cannot check.
    """
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - its import takes longer than all else
    from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa  # noqa: PLC0415

    where = f"groups: key {kid!r} of group {group}"
    try:
        key = serialization.load_pem_public_key(pem.encode())
    except Exception:  # noqa: BLE001 - of many kinds, by what is wrong
        found = (
            "is a private key"
            if "PRIVATE KEY" in pem
            else "is a certificate"
            if "CERTIFICATE" in pem
            else "is no PEM"
        )
        raise SkerryError(
            Code.INVALID,
            f"{where} {found}, where a public key belongs",
            "Give what begins with -----BEGIN PUBLIC KEY-----: 'openssl pkey -pubout' or 'openssl x509 -pubkey' writes it",
        ) from None
    if isinstance(key, ed25519.Ed25519PublicKey | ed448.Ed448PublicKey):
        raise SkerryError(
            Code.INVALID,
            f"{where} is for EdDSA, which the proxy cannot check: neither HAProxy 3.0 nor luaossl has it",
            "Let the issuer sign by RS256 or ES256",
        )
    if isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192:
        alg = "RS256"
    elif isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        alg = "ES256"
    else:
        raise SkerryError(
            Code.INVALID,
            f"{where} is of a kind that is not taken",
            "Give RSA of 2048 bits at least, or EC on P-256",
        )
    encoding, form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return {"alg": alg, "key": key.public_bytes(encoding, form).decode()}


def _shown(group: Group, form: Form) -> dict[str, Any]:
    found: dict[str, Any] = {"name": group.name, "deny": group.deny, "ip": list(group.ip)}
    if group.passwords:
        found["passwords"] = [one.user for one in group.passwords]
    if group.tokens:
        found["tokens"] = [
            {"name": one["subject"], "expires": one.get("expires")} for one in form["secrets"].values()
        ]
    if group.jwt:
        keys = form["jwt"]["keys"]
        found["jwt"] = {
            "issuer": group.jwt.issuer,
            "audience": list(group.jwt.audience),
            "claims": {one.name: list(one.values) for one in group.jwt.claims},
            "keys": []
            if "" in keys
            else [{"kid": kid, "algorithm": one["alg"]} for kid, one in keys.items()],
            "algorithms": sorted({one["alg"] for one in keys.values()}),
        }
    if "from" in form:
        found["sources"] = form["from"]
    return found


def _key(secret: bytes) -> bytes:
    return hmac.new(secret, b"skerry policies", hashlib.sha256).digest()


def seal(secret: bytes, owner: str, form: Form) -> str:
    """Encrypt a normal form for the store: only this host's secret opens it, and only as the policy of ``owner``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    nonce = secrets.token_bytes(12)
    return base64.b64encode(nonce + AESGCM(_key(secret)).encrypt(nonce, text(form), owner.encode())).decode()


def unseal(secret: bytes, owner: str, sealed: str) -> Form:
    """The normal form that :func:`seal` encrypted.

    Raises:
        SkerryError: the host's secret is another one now, or it was changed.
    """
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    data = base64.b64decode(sealed)
    try:
        found: Form = json.loads(AESGCM(_key(secret)).decrypt(data[:12], data[12:], owner.encode()))
    except (InvalidTag, ValueError):
        raise SkerryError(
            Code.HOST,
            f"the policy of {owner} cannot be decrypted; the host's secret is not the one that encrypted it",
            "Nobody is let in meanwhile. Delete the policy, and set it again",
        ) from None
    return found


def same(one: Mapping[str, Any] | None, other: Mapping[str, Any]) -> bool:
    """Whether two normal forms decide alike."""
    return one is not None and dict(one) == dict(other)
