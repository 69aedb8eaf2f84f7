"""Who may be told where a container is, and in which words others are refused."""

import dataclasses

import pytest

from skerry.host import cgroups, systemd
from skerry.model.errors import Code, SkerryError
from skerry.parts.unit import Unit
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from skerry.resources.containers import access, store
from skerry.resources.kind import Context
from skerry.store import operations

KEY = {"container": {"name": "blog"}}


@pytest.fixture
def context(host, db, container, monkeypatch):
    with db.transaction():
        store.insert(db, dataclasses.replace(container, desired="started"))
    monkeypatch.setattr(systemd, "state", lambda _unit: "active")
    monkeypatch.setattr(cgroups, "frozen", lambda _group: False)
    monkeypatch.setattr(Unit, "init", lambda _self: 77)
    return Context(host, db)


def ask(context, **request):
    parsed = TABLE.parse({"version": WIRE_VERSION, **request})
    readers = {"exec": access.execute, "shell": access.shell, "get": access.files, "put": access.files}
    return readers[parsed.verb](context, parsed)


def test_a_ticket_says_which_container(context, container):
    ticket = ask(
        context, verb="exec", **KEY, command=["ls"], env={"A": "1\n2"}, user="www-data", workdir="/srv"
    )
    assert ticket == {
        "id": container.id,
        "run": f"{context.host.run}/c/{container.id}",
        "command": ["ls"],
        "env": {"A": "1\n2"},
        "user": "www-data",
        "workdir": "/srv",
    }


def test_a_shell_is_bash_where_there_is_one(context):
    program, _, script = ask(context, verb="shell", **KEY)["command"]
    assert program == "/bin/sh"
    assert script.index("exec bash") < script.index("exec sh")


def test_files_are_reached_by_the_first_process(context):
    place = ask(context, verb="put", **KEY, path="/x", owner="5:6", mode="0600")
    assert (place["pid"], place["path"], place["owner"], place["mode"]) == (77, "/x", "5:6", "0600")
    assert ask(context, verb="get", **KEY, path="/x")["owner"] is None


@pytest.mark.parametrize(
    ("state", "init", "code", "said"),
    [
        ("inactive", None, Code.INVALID, "does not run. Start it first: skerry start blog"),
        ("failed", None, Code.INVALID, "does not run"),
        ("activating", None, Code.BUSY, "is being started"),
        ("active", None, Code.BUSY, "is being started"),
        ("deactivating", 77, Code.BUSY, "is being stopped"),
        ("restarting", None, Code.BUSY, "is being started"),
    ],
)
def test_one_that_does_not_run_is_refused(context, monkeypatch, state, init, code, said):
    monkeypatch.setattr(systemd, "state", lambda _unit: state)
    monkeypatch.setattr(Unit, "init", lambda _self: init)
    for request in ({"verb": "exec", "command": ["ls"]}, {"verb": "get", "path": "/x"}):
        with pytest.raises(SkerryError) as caught:
            ask(context, **request, **KEY)
        assert caught.value.code == code
        assert said in str(caught.value)


def test_nothing_is_started_in_a_frozen_one_but_its_files_can_be_read(context, monkeypatch):
    monkeypatch.setattr(cgroups, "frozen", lambda _group: True)
    with pytest.raises(SkerryError, match="is frozen, and a program in it would be, too"):
        ask(context, verb="exec", **KEY, command=["ls"])
    assert ask(context, verb="get", **KEY, path="/x")["pid"] == 77


def test_one_that_is_not_there(context):
    with pytest.raises(SkerryError, match="there is no container default/default/blug"):
        ask(context, verb="shell", container={"name": "blug"})


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"verb": "exec", "command": []}, "give the program and its arguments"),
        ({"verb": "exec"}, "command"),
        ({"verb": "exec", "command": ["a\0b"]}, "entry 1 must be text without a zero byte"),
        ({"verb": "exec", "command": ["ls"], "user": "a b"}, "give a name or a number"),
        ({"verb": "exec", "command": ["ls"], "workdir": "srv"}, "a path that begins with /"),
        ({"verb": "exec", "command": ["ls"], "env": {"A B": "1"}}, "is not a name for a variable"),
        ({"verb": "put", "path": "x"}, "a path that begins with /"),
        ({"verb": "put", "path": "/x", "owner": "root"}, "the number of a user"),
        ({"verb": "put", "path": "/x", "mode": "4755"}, "permissions in octal"),
    ],
)
def test_a_bad_request_is_refused(context, request_, said):
    with pytest.raises(SkerryError, match=said):
        ask(context, **request_, **KEY)


def test_one_that_does_not_run_because_of_an_operation_says_of_which(context, container, monkeypatch):
    monkeypatch.setattr(systemd, "state", lambda _unit: "inactive")
    about, plan = (container.id, str(container.key)), {"verb": "delete", "steps": []}
    with context.db.transaction():
        operations.begin(context.db, "container", about, "delete", plan)
    with pytest.raises(SkerryError) as caught:
        ask(context, verb="exec", **KEY, command=["ls"])
    assert (caught.value.code, caught.value.message) == (
        Code.BUSY,
        f"container {container.key} does not run: 'delete' is under way",
    )
