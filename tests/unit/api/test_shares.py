"""A realm cannot fill the host's own disk with what no quota is about."""

import base64

import pytest

from skerry.resources import shares
from tests.unit.api.conftest import SHOP, Api


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MOST", dict.fromkeys(shares.MOST, 2))


@pytest.mark.usefixtures("few")
def test_a_realm_has_so_many_projects_and_tokens_and_no_more(api: Api) -> None:
    by = api.token("acme/ci", template="admin")
    other = api.token("rival/ci", template="admin")
    for path, body in (
        ("/realms/acme/projects", {"name": "two"}),
        ("/realms/acme/tokens", {"name": "two", "template": "reader"}),
    ):
        assert api.call("POST", path, by, body).status == 201
        kind = path.rpartition("/")[2]
        wrong = f"realm acme has 2 {kind}, and may have 2. Delete some first"
        assert api.call("POST", path, by, body | {"name": "three"}).problem == (403, wrong)
        assert api.call("POST", path.replace("acme", "rival"), other, body).status == 201


@pytest.mark.usefixtures("few")
def test_secrets_are_counted_in_all_projects_of_a_realm(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    by = api.token("acme/ci", template="admin")
    api.root("project_create", project={"realm": "acme", "name": "two"})
    two, value = SHOP.replace("shop", "two"), base64.b64encode(b"x" * 10).decode()
    assert [api.call("PUT", f"{place}/secrets/a", by, {"value": value}).status for place in (SHOP, two)] == [
        200,
        200,
    ]
    assert api.call("PUT", f"{two}/secrets/b", by, {"value": value}).problem == (
        403,
        "realm acme has 2 secrets, and may have 2. Delete some first",
    )
    monkeypatch.setattr(shares, "BYTES", 1024)
    longer = base64.b64encode(b"x" * 1015).decode()
    assert api.call("PUT", f"{two}/secrets/a", by, {"value": longer}).problem == (
        403,
        (
            "value: the other secrets of realm acme have 10 bytes, and all may have 1K. "
            "Give at most 1014 bytes, or delete some secrets first"
        ),
    )
    assert api.call("PUT", f"{two}/secrets/a", by, {"value": longer[:1352]}).status == 200
