"""The values of an environment are secrets: nothing that is printed, answered or logged has one of them."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from testinfra.host import Host

from tests.integration.modules import Call, Result, run

NAME = "secrets"
SECRET = "m4rker-5f0c9a7b"  # in all that a test gives as a secret, and to be found nowhere
SEARCHED = "m4rker-5f0c9a7[b]"  # a pattern for grep that does not find itself
FIRST = {"A": "1", "B": "on", "TOKEN": f"{SECRET}-1"}
SECOND = {"A": "1", "TOKEN": f"{SECRET}-2", "NEW": f"{SECRET}-3"}

CALLS: dict[str, Call] = {
    "create": Call({"name": NAME, "image": "hello", "env": FIRST}),
    "plan": Call({"name": NAME, "env": SECOND}, check=True),
    "update": Call({"name": NAME, "env": SECOND}),
    "again": Call({"name": NAME, "env": SECOND}),
    "info": Call({"name": NAME}, module="skerry_container_info"),
    "no text": Call({"name": NAME, "env": {"TOKEN": [SECRET]}}),
    "no value for a program": Call({"name": NAME, "env": {"TOKEN": f"{SECRET}\0"}}),
    "no mapping": Call({"name": NAME, "env": [SECRET]}),
    "no pairs": Call({"name": NAME, "env": f"TOKEN={SECRET}, {SECRET}"}),
    "another option is wrong": Call({"name": NAME, "cpu": "many", "env": {"A": "1", "TOKEN": SECRET}}),
    "a variable as an option": Call({"name": NAME, "TOKEN": SECRET}),
    "does not start": Call({"name": "mute", "image": "hello", "command": ["/nowhere"], "env": {"TOKEN": SECRET}}),
    "image": Call({"name": "secret", "tarball": {"path": "/nowhere", "sha256": "0" * 64}, "env": {"TOKEN": SECRET}},
                  module="skerry_image"),
}  # fmt: skip


@pytest.fixture(scope="module")
def played(
    lab: str, hello: str, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, Result], str]]:
    """Everything that takes an environment, done and refused: what each call returned, and all that -vvv printed."""
    host.run(f"skerry delete {NAME}")
    answers, output = run(lab, tmp_path_factory.mktemp("secrets"), *CALLS.values(), options=["-vvv"])
    yield dict(zip(CALLS, answers, strict=True)), output
    host.run(f"skerry delete {NAME}")


def test_neither_results_nor_the_most_talkative_output_have_one(played: Any) -> None:
    answers, output = played
    assert SECRET not in json.dumps(answers)
    assert SECRET not in output
    assert "invocation" in output, "-vvv shows what a module was called with"


def test_what_else_is_said_is_not_blackened(played: Any) -> None:
    answers, _ = played
    assert re.fullmatch(r"10\.90\.\d+\.\d+", answers["create"]["container"]["ipv4"])
    assert "****" not in json.dumps(answers)
    assert answers["another option is wrong"]["msg"].startswith("argument 'cpu' is of type")
    assert [answers[name]["failed"] for name in CALLS] == [False] * 5 + [True] * 8


def test_names_are_shown_and_which_of_them_change(played: Any) -> None:
    answers, _ = played
    assert answers["create"]["container"]["env"] == ["A", "B", "TOKEN"]
    assert answers["info"]["containers"][0]["env"] == ["A", "TOKEN", "NEW"]
    for name in ("plan", "update"):
        assert answers[name]["stored"] == ["env (NEW added, TOKEN changed, B removed)"]
        assert "  stored: env (NEW added, TOKEN changed, B removed)\n" in answers[name]["diff"]["prepared"]
    assert not answers["again"]["changed"]


def test_an_error_names_the_variable(played: Any) -> None:
    answers, _ = played
    assert answers["no text"]["msg"] == "env, TOKEN: a list is not allowed. Give text, in quotes"
    assert "TOKEN" in answers["no value for a program"]["msg"]
    assert answers["does not start"]["journal"]


def test_no_log_of_the_host_has_one(played: Any, host: Host) -> None:
    called = "journalctl --no-pager --output cat --identifier ansible-skerry.host.skerry_container"
    assert "env=NOT_LOGGING_PARAMETER" in host.check_output(called)
    assert host.run(f"journalctl --namespace='*' --no-pager --output cat | grep {SEARCHED}").stdout == ""
    assert host.run(f"grep -rl --binary-files=text {SEARCHED} /var/log --exclude-dir=journal").stdout == ""


@pytest.mark.parametrize(
    "command",
    ["info NAME", "info NAME --json", "list --json", "operations --json", "operations", "image list --json",
     "plan update NAME --env TOKEN=SECRET", "plan update NAME --env TOKEN=SECRET --json",
     "update NAME --env SECRET", "update NAME --env TOKEN=SECRET-4 --json", "restart NAME --json"],
)  # fmt: skip
def test_no_command_prints_one(played: Any, host: Host, command: str) -> None:
    done = host.run("skerry " + command.replace("NAME", NAME).replace("SECRET", SECRET))
    assert done.rc == (2 if command == "update NAME --env SECRET" else 0), done.stderr
    assert SECRET not in done.stdout + done.stderr


def test_who_asks_for_them_by_name_gets_them(played: Any, host: Host) -> None:
    host.check_output(f"skerry update {NAME} --env TOKEN={SECRET}-5")
    shown = json.loads(host.check_output(f"skerry info {NAME} --show-env --json"))["container"]
    assert (shown["env"], shown["env_values"]) == (["TOKEN"], {"TOKEN": f"{SECRET}-5"})


def test_the_module_shows_them_where_it_is_told_to(
    played: Any, lab: str, host: Host, tmp_path_factory: pytest.TempPathFactory
) -> None:
    host.check_output(f"skerry update {NAME} --env TOKEN={SECRET}-6")
    ask = Call({"name": NAME, "show_env": True}, module="skerry_container_info")
    everybody = Call({"show_env": True}, module="skerry_container_info")
    (asked, refused), _ = run(lab, tmp_path_factory.mktemp("shown"), ask, everybody)
    assert asked["containers"][0]["env_values"] == {"TOKEN": f"{SECRET}-6"}
    assert refused["failed"]
    assert "name" in refused["msg"]


def test_the_files_that_keep_them_are_roots_alone(played: Any, host: Host) -> None:
    every = "find /var/lib/skerry /run/skerry/c -maxdepth 2 -xdev -type f ! -name '*.btrfs'"
    found = host.check_output(f"{every} -exec grep -l --binary-files=text {SEARCHED} {{}} +").split()
    assert "/var/lib/skerry/state.db" in {path.removesuffix("-wal") for path in found}
    for path in found:
        assert host.run(f"runuser -u nobody -- cat {path}").rc != 0, path
