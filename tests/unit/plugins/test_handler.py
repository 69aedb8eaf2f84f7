"""How a module ends: with what its handler returns, or with why it refused."""

from typing import Any, NoReturn

import pytest

from plugins.module_utils.handler import answer
from plugins.module_utils.skerry_base.core.errors import SkerryError


class Ended(BaseException):
    """What ends a module's process."""


class Module:
    """An AnsibleModule that keeps how it ended."""

    def __init__(self, *, check_mode: bool = False) -> None:
        self.params, self.check_mode = {"state": "present"}, check_mode
        self.ended: tuple[str, dict[str, Any]] | None = None

    def exit_json(self, **result: Any) -> NoReturn:
        self.ended = ("well", result)
        raise Ended

    def fail_json(self, **result: Any) -> NoReturn:
        self.ended = ("failed", result)
        raise Ended


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_handler_gets_the_options_and_whether_to_only_check(check_mode: bool) -> None:
    module = Module(check_mode=check_mode)
    with pytest.raises(Ended):
        answer(module, lambda params, only_check: {"changed": not only_check, **params})
    assert module.ended == ("well", {"changed": not check_mode, "state": "present"})


def test_a_refusal_is_the_modules_message_with_its_facts() -> None:
    def refuse(_params: dict[str, Any], _only_check: bool) -> dict[str, Any]:
        raise SkerryError("no such disk", "Name another.", steps=["a"])

    module = Module()
    with pytest.raises(Ended):
        answer(module, refuse)
    assert module.ended == ("failed", {"msg": "no such disk. Name another.", "steps": ["a"]})


def test_a_mistake_of_ours_is_not_taken_for_a_refusal() -> None:
    with pytest.raises(KeyError):
        answer(Module(), lambda params, _only_check: params["nothing"])
