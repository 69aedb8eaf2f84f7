"""JSON Web Tokens, good ones and what libraries have fallen for: for the unit tests and, on a host, against the proxy."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

SECRET = "a secret of more than 32 characters"
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC = ec.generate_private_key(ec.SECP256R1())
ED = ed25519.Ed25519PrivateKey.generate()
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
KEYED = {  # a group that takes RS256 and ES256 of one issuer
    "keys": [],
    "issuer": "https://issuer.example",
    "audience": ["shop", "blog"],
    "claims": [{"name": "role", "values": ["admin", "ops"]}],
}


def pem(private: Any) -> str:
    """Its public key."""
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(private.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


KEYED["keys"] = [{"kid": "rsa", "pem": pem(RSA)}, {"kid": "ec", "pem": pem(EC)}]


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def claims(**other: Any) -> dict[str, Any]:
    """What a good token says; None takes a claim away."""
    found = {
        "iss": KEYED["issuer"],
        "aud": "shop",
        "sub": "ann",
        "role": "ops",
        "exp": int(time.time()) + 3600,
    }
    return {name: value for name, value in (found | other).items() if value is not None}


def sign(alg: str, text: bytes, key: Any) -> bytes:
    """By an algorithm of RFC 7518."""
    if alg == "HS256":
        return hmac.new(key if isinstance(key, bytes) else key.encode(), text, hashlib.sha256).digest()
    if alg == "RS256":
        return bytes(key.sign(text, padding.PKCS1v15(), hashes.SHA256()))
    if alg == "PS256":
        return bytes(key.sign(text, padding.PSS(padding.MGF1(hashes.SHA256()), 32), hashes.SHA256()))
    if alg == "EdDSA":
        return bytes(key.sign(text))
    if alg == "ES256":
        r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)
    return b""


def token(alg: str, key: Any, said: Any = None, head: dict[str, Any] | None = None, *, by: str = "") -> str:
    """A token whose head may say what it likes; ``by`` is how it is really signed, where that is not ``alg``."""
    header = {"typ": "JWT", "alg": alg} | (head or {})
    body = said if isinstance(said, bytes) else json.dumps(claims() if said is None else said).encode()
    text = f"{b64(json.dumps(header).encode())}.{b64(body)}"
    return f"{text}.{b64(sign(by or alg, text.encode(), key))}"


def rs(said: Any = None, **head: Any) -> str:
    """By RS256, with the kid of its key."""
    return token("RS256", RSA, said, {"kid": "rsa"} | head)


def hs(said: Any = None, **head: Any) -> str:
    """By HS256."""
    return token("HS256", SECRET, said, head)


def _cut(text: str, part: int, new: str) -> str:
    parts = text.split(".")
    parts[part] = new
    return ".".join(parts)


def attacks() -> Iterator[tuple[str, str, bool]]:
    """Against :data:`KEYED`: what it is, the token, whether it is good."""
    for some in (_good, _algorithms, _heads, _forms, _claims, _curves):
        yield from some()


def _good() -> Iterator[tuple[str, str, bool]]:
    now, good, es = int(time.time()), rs(), token("ES256", EC, None, {"kid": "ec"})
    yield "RS256", good, True
    yield "ES256", es, True
    yield "the other audience", rs(claims(aud="blog")), True
    yield "one audience of a list", rs(claims(aud=["else", "shop"])), True
    yield "one role of a list", rs(claims(role=["dev", "admin"])), True
    yield "no subject", rs(claims(sub=None)), True
    yield "nbf within the skew", rs(claims(nbf=now + 10)), True


def _algorithms() -> Iterator[tuple[str, str, bool]]:
    good = rs()
    yield "alg none", token("none", b"", None, {"kid": "rsa"}), False
    yield "alg None", token("None", b"", None, {"kid": "rsa"}), False
    yield "alg none, signature kept", _cut(good, 0, b64(b'{"alg":"none","kid":"rsa"}')), False
    yield "no signature", good.rpartition(".")[0] + ".", False
    yield "two parts", good.rpartition(".")[0], False
    yield "HS256 by the public key", token("HS256", pem(RSA), None, {"kid": "rsa"}), False
    yield (
        "HS256 by the public key without its last line",
        token("HS256", pem(RSA).strip(), None, {"kid": "rsa"}),
        False,
    )
    yield (
        "HS256 by the public key, alg RS256",
        token("RS256", pem(RSA), None, {"kid": "rsa"}, by="HS256"),
        False,
    )
    yield "HS256 by nothing", token("HS256", b"", None, {"kid": "rsa"}), False
    yield "PS256", token("PS256", RSA, None, {"kid": "rsa"}), False
    yield "PS256, alg RS256", token("RS256", RSA, None, {"kid": "rsa"}, by="PS256"), False
    yield "EdDSA", token("EdDSA", ED, None, {"kid": "rsa"}), False
    yield "another key", token("RS256", OTHER, None, {"kid": "rsa"}), False
    yield (
        "a key of its own in the head",
        token("RS256", OTHER, None, {"kid": "rsa", "jwk": {"kty": "RSA"}}),
        False,
    )
    yield (
        "a key's URL in the head",
        token("RS256", OTHER, None, {"kid": "rsa", "jku": "https://x.example"}),
        False,
    )
    yield "a certificate's URL in the head", token("RS256", OTHER, None, {"x5u": "https://x.example"}), False


def _heads() -> Iterator[tuple[str, str, bool]]:
    yield "kid of the other key", rs(kid="ec"), False
    yield "kid as a path", rs(kid="../../dev/null"), False
    yield "kid as SQL", rs(kid="' OR 1=1 --"), False
    yield "kid as a number", rs(kid=1), False
    yield "kid null", rs(kid=None), False
    yield "no kid, of two keys", token("RS256", RSA), False
    yield "crit", rs(crit=["exp"]), False
    yield "crit empty", rs(crit=[]), False


def _forms() -> Iterator[tuple[str, str, bool]]:
    good = rs()
    yield (
        "other claims under the signature",
        _cut(good, 1, b64(json.dumps(claims(sub="root")).encode())),
        False,
    )
    yield "padding", good + "=", False
    yield (
        "a last bit that nobody reads",
        good[:-1] + ("B" if good[-1] == "A" else chr(ord(good[-1]) + 1)),
        False,
    )
    yield "standard base64", good.replace("-", "+").replace("_", "/") + "+", False
    yield "a fourth part", good + ".x", False
    yield "a JWE of five parts", good + ".x.y", False


def _claims() -> Iterator[tuple[str, str, bool]]:
    now = int(time.time())
    yield "expired", rs(claims(exp=now - 1)), False
    yield "no exp", rs(claims(exp=None)), False
    yield "exp as text", rs(claims(exp=str(now + 3600))), False
    yield "exp true", rs(claims(exp=True)), False
    yield "exp without end", rs(json.dumps(claims()).replace(str(claims()["exp"]), "1e999").encode()), False
    yield "exp NaN", rs(json.dumps(claims(exp=float("nan"))).encode()), False
    yield "not good yet", rs(claims(nbf=now + 600)), False
    yield "nbf as text", rs(claims(nbf="0")), False
    yield "another issuer", rs(claims(iss="https://issuer.example.evil")), False
    yield "the issuer in a list", rs(claims(iss=[KEYED["issuer"]])), False
    yield "no issuer", rs(claims(iss=None)), False
    yield "another audience", rs(claims(aud="shopping")), False
    yield "no audience", rs(claims(aud=None)), False
    yield "the audience as an object", rs(claims(aud={"shop": True})), False
    yield "another role", rs(claims(role="operator")), False
    yield "a role that is longer", rs(claims(role="ops2")), False
    yield "a role in other letters", rs(claims(role="Admin")), False
    yield "no role", rs(claims(role=None)), False
    yield "the role as true", rs(claims(role=True)), False
    yield "a long subject", rs(claims(sub="a" * 257)), False
    yield "too long", rs(claims(more="a" * 9000)), False
    yield "claims that are a list", rs(b'["iss"]'), False
    yield "claims that are no UTF-8", rs(json.dumps(claims()).encode().replace(b"ann", b"\xff")), False
    yield "claims that are no JSON", rs(b"{"), False
    yield "deep claims", rs(b'{"a":' * 40 + b"1" + b"}" * 40), False


def _curves() -> Iterator[tuple[str, str, bool]]:
    es = token("ES256", EC, None, {"kid": "ec"})
    raw = base64.urlsafe_b64decode(es.rpartition(".")[2] + "==")
    text = es.rpartition(".")[0]
    der = utils.encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    yield "ES256 in ASN.1", f"{text}.{b64(der)}", False
    yield "ES256 of zeros", f"{text}.{b64(bytes(64))}", False
    yield "ES256 of the curve's order", f"{text}.{b64(ORDER.to_bytes(32) * 2)}", False
    yield "ES256 cut", f"{text}.{b64(raw[:63])}", False
    yield "ES256 with a zero more", f"{text}.{b64(raw + bytes(1))}", False
    yield "ES256, alg RS256", token("RS256", EC, None, {"kid": "ec"}, by="ES256"), False
