"""The decision on requests: JSON Web Tokens that libraries have fallen for, groups, and what holds of any policy."""

import base64
import dataclasses
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skerry.locks import form
from skerry.locks.evaluate import Asked, Verdict, evaluate
from skerry.model.errors import SkerryError
from skerry.model.policy import Group
from tests.integration.on_host import lock_tokens as tokens

NOW = int(time.time())
OFFICE = {"name": "office", "ip": ["192.0.2.0/24", "2001:db8::/32"]}
STAFF = {"name": "staff", "passwords": [{"user": "ann", "password": "password of ann"}]}
CI = {"name": "ci", "tokens": [{"name": "deploy"}], "sources": ["header:x-key", "cookie:lock"]}


def made(
    *groups: dict[str, Any], default: str = "deny", enabled: bool = True
) -> tuple[form.Form, dict[str, str]]:
    """A policy as the proxy and Python get it, and the tokens that it has made."""
    found, _, once = form.make(default, [Group.model_validate(one) for one in groups], None, enabled=enabled)
    return json.loads(form.text(found)), once


def asked(ip: str = "198.51.100.7", *headers: tuple[str, str]) -> Asked:
    """A request."""
    return Asked(ip, [(name, value.encode()) for name, value in headers], NOW)


def basic(user: str, password: str) -> tuple[str, str]:
    """What a browser sends."""
    return "authorization", f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


@pytest.mark.parametrize(
    ("name", "token", "good"),
    list(tokens.attacks()),
    ids=lambda one: one if isinstance(one, str) and len(one) < 60 else "",
)
def test_a_jwt_is_good_or_not(name: str, token: str, good: bool) -> None:
    policy, _ = made({"name": "team", "jwt": tokens.KEYED})
    verdict = evaluate(policy, asked("::1", ("authorization", f"Bearer {token}")))
    assert (verdict.status == 200) == good
    assert not good or verdict.why == "team"


@pytest.mark.parametrize(
    ("request_", "verdict"),
    [
        (asked(), ("both", "none")),
        (asked("192.0.2.9"), ("allow", "office")),
        (asked("2001:db8::9"), ("allow", "office")),
        (asked("198.51.100.7", basic("ann", "password of ann")), ("allow", "staff")),
        (asked("198.51.100.7", basic("ann", "password of bob")), ("both", "none")),
        (
            asked("198.51.100.7", basic("ann", "password of ann"), basic("ann", "password of ann")),
            ("both", "none"),
        ),
    ],
)
def test_any_group_lets_through(request_: Asked, verdict: tuple[str, str]) -> None:
    policy, _ = made(OFFICE, STAFF, CI)
    found = evaluate(policy, request_)
    assert (found.verdict, found.why) == verdict


def test_a_token_is_found_in_the_first_source_that_has_one() -> None:
    policy, once = made(CI)
    token = once["ci/deploy"]
    assert evaluate(policy, asked("::1", ("x-key", token))).subject == "deploy"
    assert evaluate(policy, asked("::1", ("cookie", f"a=b; lock={token}"))).subject == "deploy"
    assert evaluate(policy, asked("::1", ("x-key", "wrong"), ("cookie", f"lock={token}"))).status == 401
    assert evaluate(policy, asked("::1", ("authorization", f"Bearer {token}"))).status == 401


def test_inside_a_group_all_must_hold_and_a_wrong_address_is_not_asked_for_a_password() -> None:
    policy, _ = made(STAFF | {"ip": ["192.0.2.0/24"]})
    right = basic("ann", "password of ann")
    assert evaluate(policy, asked("192.0.2.1", right)).status == 200
    assert evaluate(policy, asked("192.0.2.1")).verdict == "basic"
    assert evaluate(policy, asked("198.51.100.7", right)).verdict == "deny"


def test_deny_wins_wherever_it_stands_and_a_policy_that_is_off_lets_nobody_in() -> None:
    banned = {"name": "banned", "deny": True, "ip": ["192.0.2.66/32"]}
    assert evaluate(made(OFFICE, banned)[0], asked("192.0.2.66")).why == "banned"
    assert evaluate(made(OFFICE, default="allow", enabled=False)[0], asked("192.0.2.1")) == Verdict(
        "deny", "off"
    )


def test_a_subject_can_break_out_of_no_header() -> None:
    policy, _ = made({"name": "team", "jwt": {"secret": tokens.SECRET}})
    said = tokens.claims(sub="a\r\nx-admin: yes%ü")
    found = evaluate(policy, asked("::1", ("authorization", f"Bearer {tokens.hs(said)}")))
    assert found.subject == "a%0D%0Ax-admin:%20yes%25%C3%BC"


def test_an_expired_token_of_the_policy_is_refused() -> None:
    policy, once = made(CI | {"tokens": [{"name": "deploy", "expires": "1m"}]})
    request = asked("::1", ("x-key", once["ci/deploy"]))
    assert evaluate(policy, request).status == 200
    assert evaluate(policy, dataclasses.replace(request, now=NOW + 3600)).status == 401


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (tokens.pem(tokens.ED), "is for EdDSA, which the proxy cannot check"),
        (tokens.pem(tokens.RSA).replace("PUBLIC", "PRIVATE"), "is a private key"),
        ("-----BEGIN CERTIFICATE-----", "is a certificate"),
        ("key", "is no PEM"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_with_the_reason(key: str, words: str) -> None:
    with pytest.raises(SkerryError) as error:
        made({"name": "team", "jwt": {"keys": [{"kid": "1", "pem": key}]}})
    assert words in error.value.message
    assert error.value.hint


def test_what_is_kept_of_a_policy_has_no_secret_and_opens_with_the_hosts_alone() -> None:
    policy, once = made(STAFF, CI, {"name": "team", "jwt": {"secret": tokens.SECRET}})
    sealed = form.seal(b"s" * 32, "c" * 24, policy)
    assert form.unseal(b"s" * 32, "c" * 24, sealed) == policy
    for secret, owner in ((b"t" * 32, "c" * 24), (b"s" * 32, "d" * 24)):
        with pytest.raises(SkerryError, match="cannot be decrypted"):
            form.unseal(secret, owner, sealed)
    for text in ("password of ann", once["ci/deploy"]):
        assert text.encode() not in form.text(policy)


ADDRESSES = st.sampled_from(["192.0.2.1", "198.51.100.7", "2001:db8::1", "::1"])
CREDENTIALS = st.lists(
    st.sampled_from([basic("ann", "password of ann"), basic("ann", "wrong"), ("x-key", "lk_x")]), max_size=2
)
SOME = st.lists(
    st.sampled_from([OFFICE, STAFF, CI, {"name": "all", "ip": ["0.0.0.0/0", "::/0"]}]),
    unique_by=lambda one: one["name"],
    max_size=3,
)


@given(
    groups=SOME,
    denied=st.booleans(),
    ip=ADDRESSES,
    headers=CREDENTIALS,
    default=st.sampled_from(["allow", "deny"]),
)
def test_no_policy_lets_in_whom_a_group_denies_or_nobody_allows(
    groups: list[dict[str, Any]], denied: bool, ip: str, headers: list[tuple[str, str]], default: str
) -> None:
    ban = [{"name": "ban", "deny": True, "ip": ["192.0.2.0/24", "::1/128"]}] if denied else []
    policy, _ = made(*groups, *ban, default=default)
    found = evaluate(policy, asked(ip, *headers))
    banned = denied and ip in {"192.0.2.1", "::1"}
    assert not banned or (found.verdict, found.why) == ("deny", "ban")
    holding = [one.group for one in found.groups if one.holds and not one.deny]
    assert (found.verdict == "allow") == (not banned and (bool(holding) or default == "allow"))
    assert form.value("c" * 24, policy).isascii()
