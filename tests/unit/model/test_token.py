"""What a token looks like, where it may be used from, until when, and what grants more than another one."""

import dataclasses
import datetime
import hashlib

import pytest

from skerry.model import token as model
from skerry.model.errors import SkerryError
from skerry.model.token import KeptToken, TokenKey

KNOWN = "sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg"


def test_a_new_one_has_160_bits_and_a_sum() -> None:
    every = {model.new() for _ in range(200)}
    assert len(every) == 200
    for text in every:
        assert len(text) == 36
        assert model.digest(text) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("at", [3, 10, 29, 30, 35])
def test_one_wrong_character_is_found(at: int) -> None:
    assert model.digest(KNOWN)
    wrong = f"{KNOWN[:at]}{'a' if KNOWN[at] != 'a' else 'b'}{KNOWN[at + 1 :]}"
    with pytest.raises(SkerryError) as error:
        model.digest(wrong)
    assert str(error.value) == (
        "token: its last characters do not fit the others, so some are wrong or missing. Copy it again, whole"
    )


@pytest.mark.parametrize(
    "text",
    ["", "sk_", KNOWN[:-1], f"{KNOWN}x", KNOWN.upper(), f" {KNOWN}", f"{KNOWN}\n", KNOWN.replace("4", "-"), "é" * 36],
)  # fmt: skip
def test_what_has_not_its_form_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(SkerryError) as error:
        model.digest(text)
    assert "this has not the form of one" in str(error.value)
    assert len(text) < 4 or text not in str(error.value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("10.0.0.1/8", "'10.0.0.1/8' has bits of an address behind its /8; give 10.0.0.0/8"),
        ("2001:db8::1/32", "give 2001:db8::/32"),
        ("10.0.0.0/33", "is no network"),
        ("example.org", "is no network; give one such as 192.0.2.0/24"),
        ("", "is no network"),
        ("fe80::1%eth0", "is no network"),
    ],
)
def test_networks_that_are_none(value: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        model.networks([value])
    assert said in str(error.value)


def test_networks_are_written_in_short_and_once() -> None:
    given = ["192.0.2.7", "192.0.2.7/32", "2001:0db8::/32", "0.0.0.0/0"]
    assert model.networks(given) == ["192.0.2.7/32", "2001:db8::/32", "0.0.0.0/0"]


@pytest.mark.parametrize(
    ("cidrs", "source", "allowed"),
    [
        ((), "203.0.113.9", True),
        (("192.0.2.0/24",), "192.0.2.9", True),
        (("192.0.2.0/24",), "192.0.3.9", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.9", True),
        (("192.0.2.0/24",), "2001:db8::1", False),
        (("2001:db8::/32",), "2001:db8:1::1", True),
        (("2001:db8::/32",), "192.0.2.9", False),
        (("::/0",), "192.0.2.9", False),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
    ],
)
def test_where_it_may_be_used_from(cidrs: tuple[str, ...], source: str, *, allowed: bool) -> None:
    token = KeptToken("i" * 24, TokenKey(name="ci"), "0" * 64, cidrs=cidrs)
    assert token.lets_in(source) is allowed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2020-01-31", "'2020-01-31' is over; give a time to come"),
        ("soon", "'soon' is no time; give a duration such as 90d, a date such as 2027-01-31, or never"),
        ("90", "is no time"),
        ("0d", "is no time"),
        ("-1d", "is no time"),
        ("9999-12-31T23:59-14:00", "is no time"),
        ("", "is no time"),
    ],
)
def test_ends_that_are_none(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r".") as error:
        model.moment(text)
    assert said in str(error.value)


def test_ends() -> None:
    assert model.moment(None) is None
    assert model.moment("never") is None
    assert model.moment("2999-01-31") == "2999-01-31T00:00:00+00:00"
    assert model.moment("2999-01-31T12:00+02:00") == "2999-01-31T10:00:00+00:00"
    found = datetime.datetime.fromisoformat(model.moment("90d") or "")
    assert datetime.timedelta(days=89) < found - model.now() < datetime.timedelta(days=91)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"verbs": ("info",)}, ""),
        ({"verbs": ("info", "list", "stop")}, "verbs: it would have stop"),
        ({"realm_id": "", "project_ids": ()}, "realm: it would reach more than that"),
        ({"realm_id": "b" * 24}, "realm:"),
        ({"project_ids": ()}, "projects: it would reach more than project acme/shop"),
        ({"project_ids": ("1" * 24, "2" * 24)}, "projects:"),
        ({"cidrs": ()}, "cidrs: it could be used from more than 192.0.2.0/24"),
        ({"cidrs": ("192.0.2.128/25",)}, ""),
        ({"cidrs": ("192.0.0.0/16",)}, "cidrs:"),
        ({"cidrs": ("2001:db8::/32",)}, "cidrs:"),
        ({"expires": ""}, "expires: it would end later than 2999-01-01T00:00:00+00:00"),
        ({"expires": "2999-01-02T00:00:00+00:00"}, "expires:"),
        ({"expires": "2998-01-02T00:00:00+00:00"}, ""),
    ],
)
def test_what_grants_more(change: dict[str, object], said: str) -> None:
    own = KeptToken(
        "i" * 24,
        TokenKey(realm="acme", name="ci"),
        "0" * 64,
        realm_id="a" * 24,
        project_ids=("1" * 24,),
        projects=("shop",),
        verbs=("info", "list"),
        cidrs=("192.0.2.0/24",),
        expires="2999-01-01T00:00:00+00:00",
    )
    found = dataclasses.replace(own, **change).beyond(own)  # type: ignore[arg-type]
    assert found.startswith(said) if said else not found


def test_projects_that_are_gone_leave_nothing_to_see() -> None:
    gone = KeptToken(
        "i" * 24, TokenKey(realm="acme", name="ci"), "0" * 64, realm_id="a" * 24, project_ids=("1" * 24,)
    )
    assert not gone.sees("acme", "shop")
    assert not gone.sees_realm("acme")
    assert gone.place == "projects that are gone"
