"""A host of 786e862 with running containers is brought to this Skerry by site.yml, and nobody notices."""

import dataclasses
import json
import time
from urllib.parse import urlsplit

import pytest
from testinfra.host import Host

from tests.integration.playbooks import Run, play
from tests.integration.proxy_client import Door, lab_door
from tests.upgrade import before
from tests.upgrade.before import Echo, Seen

CREATED = {
    "one": ("-e", '{"env": {"GREETING": "good day ", "OTHER": "\\"quoted\\""}}'),
    "two": ("-e", "memory=96M", "-e", '{"services": [{"name": "admin", "port": 1071}]}'),
}
RUNNING = list(CREATED)


@dataclasses.dataclass(frozen=True)
class Upgrade:
    """What was on the host before and after, what was said, and what a connection of before went through."""

    before: Seen
    cut_off: str
    echo: Echo
    first: Run
    after: Seen
    second: Run


@pytest.fixture(scope="module")
def upgrade(lab: str, tmp_path_factory: pytest.TempPathFactory) -> Upgrade:
    """The host of then, and site.yml of today on it, twice."""
    tree = before.unpack(tmp_path_factory.mktemp("old"))
    before.play_old(tree, lab, "site.yml").ok()
    with before.without_uidmap(lab):
        before.play_old(tree, lab, "playbooks/image/hello.yml").ok()
        for name, options in CREATED.items():
            create = ("playbooks/container/create.yml", "-e", f"name={name}", *options)
            before.play_old(tree, lab, *create).ok()
        old = before.seen(lab)
        for name in RUNNING:
            before.inside(lab, old, name, f"echo of {name} >/root/mark")
        cut_off = before.on_host(lab, "cut_off.py")
        echo = Echo(lab_door(lab), host_name(old["containers"]["one"]["url"]))
        echo.start()
        first = play(lab, "site.yml").ok()
        echo.close()
        new = before.seen(lab)
        second = play(lab, "site.yml").ok()
    return Upgrade(old, cut_off, echo, first.ok(), new, second)


@pytest.fixture(scope="module")
def door(lab: str, upgrade: Upgrade) -> Door:
    return lab_door(lab)


def host_name(url: str) -> str:
    name = urlsplit(url).hostname
    assert name
    return name


def answers_itself(door: Door, container: Seen) -> None:
    """Each of its URLs answers, and it is this container that does."""
    for url in container["urls"]:
        answer = door.get(host_name(url))
        assert answer.status == 200
        assert container["id"] in answer.text


def test_it_was_brought_to_another_version(upgrade: Upgrade) -> None:
    assert "wire_version" not in upgrade.before
    assert any("Install the engine" in task for task in upgrade.first.changed)


@pytest.mark.parametrize("name", RUNNING)
def test_no_process_of_a_container_is_started_anew(upgrade: Upgrade, name: str) -> None:
    running = upgrade.before["processes"][name]
    assert {"lxc-start", "python3"} < {program for program, _ in running.values()}
    assert upgrade.after["processes"][name] == running


@pytest.mark.parametrize("name", RUNNING)
def test_ids_urls_addresses_and_options_are_the_same(upgrade: Upgrade, door: Door, name: str) -> None:
    old, new = upgrade.before["containers"][name], upgrade.after["containers"][name]
    renamed = {"wanted": "desired"}
    expected = {renamed.get(field, field): value for field, value in old.items()} | {"env": list(old["env"])}
    assert {field: new[field] for field in expected} == expected
    answers_itself(door, new)


def test_an_open_connection_goes_on(upgrade: Upgrade) -> None:
    assert not upgrade.echo.broken
    assert upgrade.echo.answered > 5


def test_the_image_is_there_with_all_that_it_had(upgrade: Upgrade) -> None:
    (old,), (new,) = upgrade.before["images"], upgrade.after["images"]
    users = [f"default/default/{name}" for name in upgrade.after["containers"]]
    assert {name: new[name] for name in old} == old | {"env": list(old["env"]), "containers": users}


def test_the_journal_has_what_was_done_before(upgrade: Upgrade, host: Host) -> None:
    old = {one["id"]: one for one in upgrade.before["operations"]}
    new = {one["id"]: one for one in upgrade.after["operations"]}
    assert len(old) == len(CREATED)
    for number, operation in old.items():
        found = new[number]
        assert found["resource"] == operation["container"]
        assert found["kind"] == "container"
        assert {name: found[name] for name in ("verb", "state", "done", "timings_ms", "started")} == {
            name: operation[name] for name in ("verb", "state", "done", "timings_ms", "started")
        }
    shown = host.check_output("skerry operations")
    assert all(f"default/default/{name}" in shown for name in CREATED)


def test_what_the_old_engine_was_killed_in_is_settled_by_the_new_one(upgrade: Upgrade, host: Host) -> None:
    assert "create" in upgrade.cut_off
    assert "stop" in upgrade.cut_off
    found = {(one["verb"], one["resource"]): one["state"] for one in upgrade.after["operations"]}
    assert found["create", "default/default/half"] == "undone"
    assert found["stop", "default/default/deaf"] == "done"
    assert set(upgrade.after["containers"]) == {*CREATED, "deaf"}
    assert upgrade.after["containers"]["deaf"]["state"] == "stopped"
    assert upgrade.after["processes"]["deaf"] == {}
    kept = host.check_output("ls /var/lib/skerry/pool/c").split()
    assert sorted(kept) == sorted(one["id"] for one in upgrade.after["containers"].values())


def test_the_new_engine_has_the_socket_for_tokens(upgrade: Upgrade, host: Host) -> None:
    assert "tokens" in json.loads(host.check_output("skerry status --json")), upgrade.first.output
    asks = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect('/run/skerry/tokens.sock'); "
        's.sendall(b\'{"version": 3, "verb": "status"}\\n\'); print(s.recv(65536).decode())'
    )
    said = host.check_output("runuser -u skerry-api -- python3 -c %s", asks)
    assert json.loads(said)["error"]["code"] == "unauthorized"


def test_a_second_run_changes_nothing(upgrade: Upgrade) -> None:
    assert not upgrade.second.changed, "\n".join(upgrade.second.changed)


def test_what_fails_after_the_upgrade_is_started_again(
    upgrade: Upgrade, lab: str, host: Host, door: Door
) -> None:
    """By systemd, without the engine: with the launcher of today, and what the engine of then had written."""
    container, old = upgrade.after["containers"]["one"], upgrade.after["processes"]["one"]
    host.check_output("systemctl stop skerry-engine.socket skerry-engine.service")
    host.check_output("kill -9 %s", next(pid for pid, (name, _) in old.items() if name == "lxc-start"))
    answer, deadline = door.get(host_name(container["url"])), time.monotonic() + 60
    while answer.status != 200 and time.monotonic() < deadline:
        time.sleep(0.2)
        answer = door.get(host_name(container["url"]))
    host.check_output("systemctl start skerry-engine.socket skerry-engine.service")
    answers_itself(door, container)
    again = before.seen(lab)["processes"]["one"]
    assert not set(again) & set(old)
    program = next(pid for pid, (name, _) in again.items() if name == "python3")
    variables = host.file(f"/proc/{program}/environ").content_string.split("\0")
    assert {"GREETING=good day ", 'OTHER="quoted"'} < set(variables)


@pytest.mark.parametrize("name", RUNNING)
def test_what_an_older_launcher_started_is_said_to_be(upgrade: Upgrade, host: Host, name: str) -> None:
    """The fixture has brought the host to this Skerry; nothing was started anew."""
    about = json.loads(host.check_output(f"skerry info {name} --json"))["container"]
    assert about["restart_pending"]
    assert "an older Skerry started it" in about["restart_reasons"]


@pytest.mark.parametrize("name", RUNNING)
def test_a_restart_works(upgrade: Upgrade, lab: str, door: Door, name: str) -> None:
    play(lab, "playbooks/container/restart.yml", "-e", f"container_name={name}").ok()
    again = before.seen(lab)
    assert not set(again["processes"][name]) & set(upgrade.after["processes"][name])
    assert before.inside(lab, again, name, "cat /root/mark") == f"of {name}\n"
    answers_itself(door, upgrade.after["containers"][name])
    assert "start" in {program for program, _ in again["processes"][name].values()}, "the launcher of now"


def test_an_update_works(upgrade: Upgrade, lab: str, door: Door) -> None:
    name = "container_name=two"
    done = play(lab, "playbooks/container/update.yml", "-e", name, "-e", "memory=128M").ok()
    assert "memory 96M to 128M" in done.output
    assert before.seen(lab)["containers"]["two"]["memory"] == "128M"
    answers_itself(door, upgrade.after["containers"]["two"])


def test_a_delete_works(upgrade: Upgrade, lab: str, door: Door, host: Host) -> None:
    play(lab, "playbooks/container/delete.yml", "-e", "container_name=two").ok()
    two = upgrade.after["containers"]["two"]
    assert [door.get(host_name(url)).status for url in two["urls"]] == [404, 404]
    assert not host.file(f"/var/lib/skerry/pool/c/{two['id']}").exists
    answers_itself(door, upgrade.after["containers"]["one"])
