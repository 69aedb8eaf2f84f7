"""How an end is named, which signals and checks there are, and what comes after what."""

import signal

import pytest

from skerry.model import ends
from skerry.model.container import Spec
from skerry.model.ends import End
from skerry.model.errors import SkerryError
from skerry.protocol.containers import Update
from skerry.resources.containers.verbs import parse_spec

MIB = 2**20


@pytest.mark.parametrize(
    ("status", "oom", "words"),
    [
        (0, 0, "exit code 0"),
        (3, 0, "exit code 3"),
        (128, 0, "exit code 128"),
        (139, 0, "signal SIGSEGV (exit code 139)"),
        (137, 0, "signal SIGKILL (exit code 137)"),
        (137, 1, "out of memory at limit 64M"),
        (1, 2, "exit code 1, after it was out of memory at limit 64M"),
        (0, 1, "exit code 0"),
        (255, 0, "exit code 255"),
        (None, 0, "exit code unknown"),
    ],
)
def test_an_end_is_named(status: int | None, oom: int, words: str) -> None:
    assert ends.reason(status, oom, 64 * MIB) == words


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (None, ""),
        (End("running", 3), ""),
        (End("failed", 3), "exit code 3"),
        (End("stopped", 0), "exit code 0"),
        (
            End("stopped", 143, by="administrator"),
            "by the host's administrator; signal SIGTERM (exit code 143)",
        ),
        (End("restarting", 3, restarts=4, again=1008.2), "5th time, next in 8 s; exit code 3"),
        (End("restarting", 139, again=1000.4), "1st time, next in 0.4 s; signal SIGSEGV (exit code 139)"),
        (End("restarting", 1, restarts=1, again=999.0), "2nd time; exit code 1"),
    ],
)
def test_a_state_is_told_with_what_follows(end: End | None, words: str) -> None:
    assert ends.detail(end, 1000.0) == words


@pytest.mark.parametrize(
    ("number", "word"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (21, "21st"),
        (111, "111th"),
    ],
)
def test_numbers_are_counted(number: int, word: str) -> None:
    assert ends.ordinal(number) == word


@pytest.mark.parametrize(
    ("given", "name", "number"),
    [
        ("SIGTERM", "SIGTERM", 15),
        ("QUIT", "SIGQUIT", 3),
        ("RTMIN+3", "SIGRTMIN+3", signal.SIGRTMIN + 3),
        ("SIGRTMAX", "SIGRTMAX", signal.SIGRTMAX),
        ("SIGKILL", "SIGKILL", 9),
        ("SIGWINCH", "SIGWINCH", 28),
    ],
)
def test_signals_have_names(given: str, name: str, number: int) -> None:
    found = parse_spec({"image": "x", "stop_signal": given}).stop_signal
    assert found == name
    assert ends.signal_number(name) == number


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"stop_signal": "SIGFOO"}, "stop_signal: 'SIGFOO' is no signal. Give a name such as SIGTERM"),
        ({"stop_signal": "15"}, "stop_signal: '15' is no signal"),
        ({"stop_signal": "RTMIN+31"}, "stop_signal: 'RTMIN+31' is no signal"),
        (
            {"stop_signal": "SIGSTOP"},
            "'SIGSTOP' ends no program. Give any other signal than SIGSTOP, SIGTSTP",
        ),
        ({"stop_signal": "URG"}, "SIGTTIN, SIGTTOU, SIGCONT, SIGCHLD and SIGURG, such as SIGQUIT"),
        ({"stop_signal": 15}, "stop_signal: 15 is not allowed"),
        ({"restart": "no"}, "restart: 'no' is not allowed. Give always, on-failure or never"),
        ({"grace": -1}, "grace: -1 is not allowed. Give at least 0"),
        ({"grace": "inf"}, "grace: 'inf' is not allowed"),
        ({"after": ["Db"]}, "after, entry 1: 'Db' is not allowed"),
        ({"health": 5}, "health: 5 is not allowed. Give port, http or command, and how often"),
        ({"health": {"port": 0}}, "health, port: 0 is not allowed"),
        ({"health": {"port": 1, "http": "/"}}, "health: port and http are there together. Give one of them"),
        ({"health": {"interval": 4}}, "health: there is no port, no http and no command. Give one of them"),
        ({"health": {"http": "live"}}, "health, http: 'live' is no path"),
        ({"health": {"http": "/a b"}}, "health, http: '/a b' is no path"),
        ({"health": {"http": "/\r\nX-Evil: 1"}}, "is no path"),
        ({"health": {"http": "/" + "a" * 1024}}, "a path has at most 1024 characters"),
        ({"health": {"port": 80, "exec": "x"}}, "health, exec: there is no such option"),
        ({"health": {"port": 80, "command": "x"}}, "health: port and command are there together"),
        ({"health": {"command": []}}, "health, command: give the program and its arguments"),
        ({"health": {"command": " "}}, "health, command: ' ' is not allowed. Give a list"),
        ({"health": {"command": ["", "x"]}}, "health, command: give the program and its arguments"),
        ({"health": {"command": ["x", 5]}}, "health, command, entry 2: 5 is not allowed"),
        ({"health": {"command": ["x", "a\0b"]}}, "health, command: entry 2 must be text without a zero byte"),
        ({"health": {"command": ["x", "\ud800"]}}, "health, command"),
        ({"health": {"command": ["x", "a" * 16_384]}}, "health, command: a command has at most 16 KiB"),
        ({"health": {"command": {"a": 1}}}, "health, command"),
    ],
)
def test_what_is_wrong_is_named(options: dict[str, object], words: str) -> None:
    with pytest.raises(SkerryError) as caught:
        parse_spec({"image": "x", **options})
    assert words in str(caught.value)


def test_no_check_is_another_thing_than_the_image_s_own() -> None:
    none, own = parse_spec({"image": "x", "health": {}}), parse_spec({"image": "x"})
    assert own.health is None
    assert none.health is not None
    assert not none.health.checks
    assert Spec.model_validate_json(none.model_dump_json()) == none


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("curl -f http://localhost/ || exit 1", ["/bin/sh", "-c", "curl -f http://localhost/ || exit 1"]),
        (["/check", "--all"], ["/check", "--all"]),
        (["/check", "--name=\n$(x)"], ["/check", "--name=\n$(x)"]),  # nobody reads it but the program
    ],
)
def test_a_command_of_one_text_is_for_a_shell(given: object, words: list[str]) -> None:
    health = parse_spec({"image": "x", "health": {"command": given}}).health
    assert health is not None
    assert (health.command, health.checks) == (words, True)
    assert ends.Health.model_validate(health.model_dump(mode="json")) == health


def test_a_command_line_gives_texts() -> None:
    spec = parse_spec(
        {"image": "x", "grace": "5", "health": {"port": "80", "interval": "2", "restart": "true"}}
    )
    assert spec.health is not None
    assert (spec.grace, spec.health.port, spec.health.interval, spec.health.restart) == (5.0, 80, 2.0, True)


@pytest.mark.parametrize(
    ("after", "way"),
    [
        ({"a": ["b"], "b": []}, []),
        ({"a": ["a"]}, ["a", "a"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b", "a"]),
        ({"a": ["b", "c"], "b": [], "c": ["d"], "d": ["a"]}, ["a", "c", "d", "a"]),
        ({"a": ["b"], "b": ["c"], "c": ["b"]}, []),  # another one's circle
        ({"a": ["gone"]}, []),
    ],
)
def test_a_circle_is_found(after: dict[str, list[str]], way: list[str]) -> None:
    assert ends.circle(after, "a") == way


def test_an_update_takes_them() -> None:
    request = Update.model_validate({"verb": "update", "container": {"name": "a"}, "spec": {"after": ["b"]}})
    assert request.spec == {"after": ["b"]}
