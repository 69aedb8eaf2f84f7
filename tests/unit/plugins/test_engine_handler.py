"""What every module of the engine's kinds makes of an answer: its warnings, and a name that is not there."""

from typing import Any, NoReturn

import pytest

from plugins.module_utils import alias_handler, engine_handler, image_handler
from plugins.module_utils.skerry_client import EngineError

KEY = {"realm": "default", "project": "default"}
ALIAS = {**KEY, "alias": "shop", "state": "present", "container": "shop-2", "drain": None}
IMAGE: dict[str, Any] = {
    "name": "web", "state": "present", "command": None, "env": None, "tarball": None, "debian": None,
    "oci": {"source": "oci:/srv/web", "username": None, "password": None, "tls_verify": True},
}  # fmt: skip


class Module:
    """An AnsibleModule that keeps what it warned of."""

    def __init__(self, params: dict[str, Any], *, check_mode: bool = False) -> None:
        self.params, self.check_mode, self.warned = params, check_mode, list[str]()

    def warn(self, text: str) -> None:
        self.warned.append(text)

    def fail_json(self, **result: Any) -> NoReturn:
        raise AssertionError(result)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The requests that reach an engine which changes something each time and warns, and knows no name to delete."""
    requests = list[dict[str, Any]]()

    def call(_client: object, verb: str, **fields: Any) -> dict[str, Any]:
        requests.append({"verb": verb, **fields})
        if "delete" in str(requests[-1]):
            raise EngineError("not_found", "there is none", "Images here: hello")
        plans = [{"verb": verb, "steps": ["make x"], "stored": [], "restart_required": []}]
        return {"changed": True, "before": None, "after": {}, "plans": plans, "warnings": ["ignored: 53/udp"]}

    monkeypatch.setattr(engine_handler.EngineClient, "call", call)
    return requests


@pytest.mark.parametrize(
    ("handler", "params"), [(image_handler.apply_image, IMAGE), (alias_handler.apply_alias, ALIAS)]
)
def test_what_a_person_should_know_is_a_warning(asked, handler, params) -> None:
    module = Module(params)
    result = handler(module)
    assert (result["changed"], result["steps"]) == (True, ["make x"])
    assert module.warned == ["ignored: 53/udp"]
    assert "warnings" not in result  # as an argument of exit_json Ansible warns of it
    assert len(asked) == 1


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize(
    ("handler", "params", "kind"),
    [(image_handler.apply_image, IMAGE, "image"), (alias_handler.apply_alias, ALIAS, "alias")],
)
def test_to_delete_what_is_not_there_changes_nothing(asked, handler, params, kind, check_mode) -> None:
    result = handler(Module(params | {"state": "absent"}, check_mode=check_mode))
    assert result == {
        "changed": False, kind: None, "steps": [], "stored": [],
        "msg": "there is none: nothing to do. Images here: hello",
    }  # fmt: skip
    assert asked[0]["verb"] == ("plan" if check_mode else f"{kind}_delete")
