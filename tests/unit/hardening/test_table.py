"""The table: each setting once, with a reason, and each with a way to set it and one to read it back."""

from collections import Counter

import pytest

from skerry_base.core.errors import SkerryError
from skerry_base.hardening import read
from skerry_base.hardening.choose import choose
from skerry_base.hardening.files import files
from skerry_base.hardening.model import Kind, Setting
from skerry_base.hardening.plan import _PUT
from skerry_base.hardening.put import _PUTS, _RESTORES
from skerry_base.hardening.table import COMMAND_LINE, SETTINGS
from skerry_lab.disk import HARDENED


def test_no_two_settings_have_the_same_name() -> None:
    assert [name for name, count in Counter(one.name for one in SETTINGS).items() if count > 1] == []


def test_every_kind_is_read_and_set() -> None:
    written = {file.kind for file in files(SETTINGS) if file.content}
    for kind in Kind:
        assert kind in read._READERS
        # AppArmor's profiles come with its package.
        assert kind in written | _PUT or kind is Kind.APPARMOR
    assert _PUTS.keys() == _RESTORES.keys() == _PUT


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: one.name)
def test_a_setting_says_why(setting: Setting) -> None:
    assert len(setting.reason) > 5
    assert setting.value
    assert not setting.reason.endswith(".")


def test_the_lab_s_machines_start_with_the_same_words() -> None:
    assert HARDENED.split() == [one.value for one in COMMAND_LINE]


def test_a_name_or_a_kind_is_turned_off() -> None:
    on = choose(SETTINGS, ["sysctl kernel.sysrq", "audit"])
    off = {one.name for one in SETTINGS} - {one.name for one in on}
    assert "sysctl kernel.sysrq" in off
    assert {name.split()[0] for name in off} == {"sysctl", "audit"}
    assert len([name for name in off if name.startswith("sysctl")]) == 1


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("sysctl kernel.sysrg", '"sysctl kernel.sysrg" (the nearest one is "sysctl kernel.sysrq")'),
        ("ptrace_scope", '"ptrace_scope" (the nearest one is "sysctl kernel.yama.ptrace_scope")'),
        ("audits", '"audits" (the nearest one is "audit")'),
        ("", '""'),
        ("x" * 70, f'"{"x" * 70}".'),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_one(wrong: str, told: str) -> None:
    with pytest.raises(SkerryError) as caught:
        choose(SETTINGS, [wrong, "sysctl kernel.sysrq"])
    assert told in str(caught.value)
    assert "Nothing was changed" in str(caught.value)


def test_all_unknown_names_are_told_at_once() -> None:
    with pytest.raises(SkerryError) as caught:
        choose(SETTINGS, ["sysctl kernel.sysrg", "mount /tmpp"])
    assert "kernel.sysrq" in str(caught.value)
    assert '"mount /tmp"' in str(caught.value)
