"""Tokens on a real host: the second socket, its user, what a token is told, and that a revocation ends what is open."""

import json
import re
import shlex
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import tokens
from tests.integration.modules import Call, call, four_beats
from tests.integration.playbooks import play
from tests.integration.tokens import ACME, RIVAL, skerry, token

ASK = "python3 /run/on_host/by_token.py"
AS_API = "runuser -u skerry-api --"
Ask = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def two_realms(host: Host, hello: str, on_host: Callable[..., CommandResult]) -> Iterator[None]:
    """Two realms with a project and a stopped container each, and no token of these tests."""
    with tokens.two_realms(host):
        for project in (ACME, RIVAL):
            host.check_output(f"skerry create web --image hello --project {project} --memory 64M --no-start")
        yield


@pytest.fixture
def ask(host: Host) -> Ask:
    """Asks by a token, as the API's user; what came, line by line."""

    def asks(by: str, *requests: dict[str, Any]) -> list[dict[str, Any]]:
        words = " ".join(shlex.quote(json.dumps(one)) for one in requests)
        said = host.check_output(f"{AS_API} {ASK} {by} {words}")
        return [json.loads(line) for line in said.splitlines()]

    return asks


def about(verb: str, project: str, name: str = "web", **fields: Any) -> dict[str, Any]:
    return {"verb": verb, "container": {"name": name, "project": project}, **fields}


def test_the_socket_is_the_apis_alone(host: Host, ask: Ask) -> None:
    good = token(host, "t-all", "--template operator")
    socket = host.file("/run/skerry/tokens.sock")
    assert (socket.user, socket.mode) == ("skerry-api", 0o600)
    by_root = json.loads(host.check_output(f"""{ASK} {good} '{{"verb": "status"}}'"""))
    assert (by_root["error"]["code"], by_root["error"]["message"]) == (
        "forbidden",
        "uid 0 may not speak to the engine",
    )
    assert (
        "PermissionError" in host.run(f"""runuser -u nobody -- {ASK} {good} '{{"verb": "status"}}'""").stderr
    )
    (none,) = ask("-", {"verb": "status"})
    assert none["error"]["code"] == "unauthorized"
    (found,) = ask(good, {"verb": "status"})
    assert found["result"]["tokens"] >= 1
    shell = host.run(
        f"{AS_API} python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"/run/skerry/engine.sock\")'"
    )
    assert "PermissionError" in shell.stderr


def test_a_token_sees_its_realm_and_no_other(host: Host, ask: Ask) -> None:
    by = token(host, "t-acme/ci", "--template deploy --cidr 192.0.2.0/24")
    (own,) = ask(by, {"verb": "list"})
    assert [(one["realm"], one["name"]) for one in own["result"]["containers"]] == [("t-acme", "web")]
    foreign, nobodys = (ask(by, about("info", one))[0]["error"] for one in (RIVAL, "t-nobody/shop"))
    assert foreign["code"] == "not_found"
    assert json.dumps(foreign).replace("t-rival", "t-nobody") == json.dumps(nobodys)
    (refused,) = ask(by, about("freeze", ACME))
    assert refused["error"]["message"] == "token t-acme/ci has not the right freeze"
    (ticket,) = ask(by, about("exec", ACME, command=["id"]))
    assert ticket["error"]["code"] == "forbidden"
    (elsewhere,) = ask(by, {"verb": "status", "from": "198.51.100.1"})
    assert elsewhere["error"]["code"] == "unauthorized"
    *_, started = ask(by, about("start", ACME, wait="running"))
    assert started["ok"], started
    newest = skerry(host, "operations")["operations"][0]
    assert (newest["verb"], newest["token"]) == ("start", "t-acme/ci")
    (journal,) = ask(by, {"verb": "operations"})
    assert "t-rival" not in json.dumps(journal)
    assert skerry(host, "token info t-acme/ci")["token"]["last_used"]


def test_one_connection_serves_several_tokens_and_a_revoked_one_is_none_at_once(host: Host, ask: Ask) -> None:
    by = token(host, "t-acme/ci", "--template reader")
    assert ask(by, {"verb": "token_self"}, {"verb": "status"})[1]["ok"]
    host.check_output("skerry token revoke t-acme/ci")
    (gone,) = ask(by, {"verb": "status"})
    assert gone["error"]["code"] == "unauthorized"
    never = "sk_4lyNXA6OV4pcroynMWZJDiDeiPK4UzXKg"
    assert ask(never, {"verb": "status"})[0] == gone


@pytest.mark.parametrize("what", ["revoke", "rotate"])
def test_a_revocation_ends_what_is_open(host: Host, what: str) -> None:
    by = token(host, "t-acme/ci", "--template reader")
    request = shlex.quote(json.dumps({"verb": "stats", "interval": 60}))
    host.check_output(f"({AS_API} {ASK} {by} {request} > /run/t-open 2>&1 < /dev/null &)")
    time.sleep(2)
    began = time.monotonic()
    host.check_output(f"skerry token {what} t-acme/ci")
    said = ""
    for _ in range(50):
        if said := host.check_output("cat /run/t-open"):
            break
        time.sleep(0.1)
    assert "ended" in json.loads(said), said
    assert time.monotonic() - began < 5


def test_a_change_that_has_begun_is_carried_out(host: Host) -> None:
    by = token(host, "t-acme/ci", "--template deploy")
    spec = {"image": "hello", "memory": "64M", "port": 9}  # where nobody listens: it is waited for
    request = shlex.quote(json.dumps(about("create", ACME, "slow", spec=spec, timeout=8)))
    host.check_output(f"({AS_API} {ASK} {by} {request} > /run/t-open 2>&1 < /dev/null &)")
    time.sleep(2)
    host.check_output("skerry token revoke t-acme/ci")
    time.sleep(1)
    lines = [json.loads(line) for line in host.check_output("cat /run/t-open").splitlines()]
    assert [one for one in lines if "event" in one]
    assert "ended" in lines[-1]
    newest: dict[str, Any] = {}
    for _ in range(60):
        every = skerry(host, "operations")["operations"]
        newest = next(one for one in every if one["resource"] == "t-acme/shop/slow")
        if newest["state"] != "open":
            break
        time.sleep(0.25)
    assert (newest["state"], newest["token"]) in {("undone", "t-acme/ci"), ("done", "t-acme/ci")}


def test_the_modules_four_beats_and_no_value_in_any_diff_or_log(host: Host, lab: str, tmp_path: Path) -> None:
    options = {"name": "t-acme/ci", "projects": ["shop"], "template": "deploy", "expires": "30d"}
    calls = [
        *(Call(one.options, one.check, "skerry_token") for one in four_beats(options)),
        Call({"name": "t-acme/ci", "state": "rotated"}, check=True, module="skerry_token"),
        Call({"name": "t-acme/ci", "state": "rotated"}, module="skerry_token"),
        Call({"name": "t-acme/ci"}, module="skerry_token_info"),
        *(
            Call(one.options, one.check, "skerry_token")
            for one in four_beats({"name": "t-acme/ci", "state": "absent"})
        ),
        Call({"name": "t-acme/ci", "template": "operator"}, module="skerry_token"),
    ]
    found = call(lab, tmp_path, *calls)
    assert [one.get("changed") for one in found[:6]] == [True, True, False, False, True, True]
    assert ["value" in one for one in found[:6]] == [False, True, False, False, False, True]
    assert found[1]["value"] != found[5]["value"]
    assert found[6]["tokens"][0]["projects"] == ["shop"]
    assert [one["changed"] for one in found[7:11]] == [True, True, False, False]
    assert "can't be the operator's" in found[11]["msg"]
    diffs = json.dumps([one.get("diff") for one in found])
    assert not re.search(r"sk_[0-9A-Za-z]{33}", diffs)
    logs = host.check_output("journalctl --since -10min -o cat")
    for value in (found[1]["value"], found[5]["value"]):
        assert value not in logs
        assert host.run(f"grep -aF {value} /var/lib/skerry/state.db /var/lib/skerry/state.db-wal").rc == 1


def test_the_playbooks(host: Host, lab: str, tmp_path: Path, ask: Ask) -> None:
    path, other = tmp_path / "ci.token", tmp_path / "next.token"
    made = play(lab, "playbooks/token/create.yml", "-e", f"token=t-acme/ci template=reader path={path}").ok()
    by = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert by not in made.output
    assert ask(by, {"verb": "token_self"})[0]["ok"]
    there = play(lab, "playbooks/token/create.yml", "-e", f"token=t-acme/ci template=reader path={path}")
    assert there.code != 0
    assert "is there already" in there.output
    assert "t-acme" in play(lab, "playbooks/token/list.yml").ok().output
    turned = play(lab, "playbooks/token/rotate.yml", "-e", f"token=t-acme/ci path={other}").ok()
    assert other.read_text().strip() not in turned.output
    assert ask(by, {"verb": "status"})[0]["error"]["code"] == "unauthorized"
    assert ask(other.read_text().strip(), {"verb": "status"})[0]["ok"]
    play(lab, "playbooks/token/revoke.yml", "-e", "token=t-acme/ci").ok()
    assert "nothing to do" in play(lab, "playbooks/token/revoke.yml", "-e", "token=t-acme/ci").ok().output


def test_site_yml_makes_the_first_one(host: Host, lab: str, tmp_path: Path, ask: Ask) -> None:
    path, variables = tmp_path / "keys" / "operator.token", tmp_path / "tokens.json"
    wanted = [{"name": "t-operator", "template": "operator", "path": str(path)}]
    variables.write_text(json.dumps({"lxc_host_tokens": wanted}))
    words = ("site.yml", "--tags", "lxc_host", "-e", f"@{variables}", "-v")
    planned = play(lab, *words, "--check").ok()
    assert not path.exists()
    assert "changed=0" not in planned.output
    first = play(lab, *words).ok()
    by = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert by not in first.output
    assert ask(by, {"verb": "realm_list"})[0]["ok"]
    assert re.search(r"changed=0 ", play(lab, *words).ok().output)
    host.check_output("skerry token revoke t-operator")
    again = play(lab, *words)
    assert again.code != 0
    assert "is there already, and the host has no token t-operator" in again.output
