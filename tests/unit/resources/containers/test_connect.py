"""What Ansible's connection plugin is answered: how lxc-attach is called, or why not."""

import base64
import dataclasses
import json
import os

import pytest

from skerry.host import cgroups, systemd
from skerry.parts.unit import Unit
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import connect, store
from skerry.resources.kind import Context
from tests.conftest import ROOT

REFUSED, COUNT = 0, 1


@pytest.fixture
def context(host, db, container, monkeypatch, tmp_path):
    with db.transaction():
        store.insert(db, dataclasses.replace(container, desired="started"))
    monkeypatch.setattr(systemd, "state", lambda _unit: "active")
    monkeypatch.setattr(cgroups, "frozen", lambda _group: False)
    monkeypatch.setattr(Unit, "init", lambda _self: os.getpid())
    host = dataclasses.replace(host, run=str(tmp_path))
    own = tmp_path / "c" / container.id / "own"
    own.mkdir(parents=True)
    (tmp_path / "c" / container.id / "lxc" / "made-up").mkdir(parents=True)
    (own / "program").write_bytes(b"0\0\0/srv\0\0" + b"1\0HOME=/root\0" + b"/bin/app\0")
    return Context(host, db)


def ask(context, **given):
    asked = {
        "mark": "m",
        "container": {"name": "blog"},
        "id": "",
        "user": "0",
        "command": "id",
        "age": 0.0,
    } | given
    text = base64.b64encode(json.dumps(asked).encode()).decode()
    request = TABLE.parse({"version": WIRE_VERSION, "verb": "connect", "asked": text})
    words = base64.b64decode(connect.connect(context, request)["words"])
    assert words.endswith(b"\0")
    return [os.fsdecode(word) for word in words[:-1].split(b"\0")]


def test_the_call_and_what_enter_reads(context, container):
    refused, count, *words = ask(context, command="echo 'a b'\n\u2713", user="postgres:www-data")
    argv, described = words[: int(count)], words[int(count) :]
    assert refused == ""
    assert argv[:3] == ["/usr/bin/lxc-attach", "--name", container.id]
    assert argv[-1] == "/proc/self/fd/3"
    assert described[:3] == ["postgres:www-data", "", "/"]
    assert described[-3:] == ["/bin/sh", "-c", "echo 'a b'\n\u2713"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"container": {"name": "shop"}}, "shop"),
        ({"id": "d" * 24}, "is another one than was meant: its id is"),
        ({"command": "", "age": 1e9}, "was restarted meanwhile. Run the play again"),
        ({"user": "a b"}, "user: "),
        ({"age": -1}, "age: "),
        ({"more": 1}, "more: "),
    ],
)
def test_a_refusal_is_one_text_and_nothing_is_called(context, given, said):
    refused, count, *rest = ask(context, **given)
    assert said in refused
    assert (count, rest) == ("0", [])


def test_without_a_command_it_is_checked_only(context):
    assert ask(context, command="") == ["", "0"]


def test_it_is_no_command_for_people():
    assert not TABLE["connect"].request.for_people


def test_the_program_in_c_speaks_this_version():
    source = (ROOT / "packaging/skerry-launch/src/connect.c").read_text()
    assert f'{{\\"version\\": {WIRE_VERSION}, \\"verb\\": \\"connect\\"' in source
