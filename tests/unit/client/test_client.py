"""The client against a real socket: the wire format, and every way in which there is nobody to talk to."""

import ast
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from skerry.client import EngineClient, EngineError, own_waits
from tests.unit.client.conftest import StartEngine
from tests.unit.client.engine_stub import done, refused

SOURCES = Path(__file__).parents[3] / "src" / "skerry"


def test_a_request_is_one_line_and_the_last_line_is_the_answer(engine: StartEngine) -> None:
    server = engine([{"event": "plan", "steps": ["a"]}, {"event": "step", "number": 1}, done(changed=True)])
    events: list[dict[str, Any]] = []
    answer = EngineClient(server.path).call("start", events.append, container={"name": "blog"})
    assert answer == {"changed": True}
    assert [event["event"] for event in events] == ["plan", "step"]
    assert server.asked == [{"version": 3, "verb": "start", "container": {"name": "blog"}}]


def test_events_may_be_ignored(engine: StartEngine) -> None:
    server = engine([{"event": "step", "number": 1}, done()])
    assert EngineClient(server.path).call("list") == {}


def test_a_refusal_is_raised_with_all_it_says(engine: StartEngine) -> None:
    server = engine([refused("failed", "it did not start", "Its log says why", "boom")])
    with pytest.raises(EngineError) as caught:
        EngineClient(server.path).call("start", container={"name": "blog"})
    error = caught.value
    assert (error.code, error.message, error.hint, error.journal) == (
        "failed", "it did not start", "Its log says why", "boom"
    )  # fmt: skip
    assert str(error) == "it did not start. Its log says why"


def test_an_error_without_a_hint() -> None:
    assert str(EngineError("invalid", "no")) == "no"


def test_no_engine_on_this_host(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with pytest.raises(EngineError) as caught:
        EngineClient(str(path)).call("list")
    assert caught.value.code == "host"
    assert str(caught.value) == (
        f"there is no engine on this host: {path} is missing. Set the host up with playbooks/host.yml "
        "(role lxc_host); if it is, 'systemctl status skerry-engine.socket' says what is wrong"
    )


def test_the_engine_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "engine.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(EngineError) as caught:
        EngineClient(str(path)).call("list")
    assert caught.value.code == "host"
    assert str(caught.value) == (
        f"the engine of this host does not run: nobody listens on {path}. "
        "'systemctl status skerry-engine.socket skerry-engine.service' says why; "
        "'systemctl restart skerry-engine.socket' starts it"
    )


def test_the_user_may_not_speak_to_it() -> None:
    error = EngineClient("/s")._unreachable(PermissionError(), 1)
    assert (error.code, str(error)) == ("forbidden", "this user may not open /s. Become root on this host")


def test_an_engine_that_says_nothing(engine: StartEngine) -> None:
    server = engine([], silent=True)
    with pytest.raises(EngineError) as caught:
        EngineClient(server.path, timeout=0.05).call("list")
    assert caught.value.code == "busy"
    assert str(caught.value) == (
        "the engine said nothing for 0.05 s; it may still be at it. 'skerry operations' and "
        "'journalctl -u skerry-engine' on the host show what it does"
    )


@pytest.mark.parametrize(
    ("lines", "why"),
    [([], "the connection closed"), ([b'{"ok": tr'], "the connection closed"), ([{"event": "x"}], "the connection closed")],
)  # fmt: skip
def test_an_engine_that_ends_before_it_answered(engine: StartEngine, lines: list[Any], why: str) -> None:
    server = engine(lines)
    with pytest.raises(EngineError, match=f"the engine ended before it answered .{why}.") as caught:
        EngineClient(server.path).call("list")
    assert caught.value.code == "failed"
    assert "ask again" in caught.value.hint


@pytest.mark.parametrize("line", [b"HTTP/1.1 400 Bad Request\r\n", b"[1]\n"])
def test_somebody_else_behind_the_socket(engine: StartEngine, line: bytes) -> None:
    server = engine([line])
    with pytest.raises(EngineError, match="what answered is not Skerry's engine"):
        EngineClient(server.path).call("list")


def test_a_callers_own_failure_is_not_the_engines(engine: StartEngine) -> None:
    server = engine([{"event": "step"}, done()])

    def full(_event: dict[str, Any]) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        EngineClient(server.path).call("list", full)


@pytest.mark.parametrize(
    ("args", "seconds"),
    [
        ({}, 0),
        ({"timeout": 60, "grace": 5}, 65),
        ({"of": {"timeout": 60}}, 60),
        ({"timeout": "900", "grace": "1.5"}, 901.5),  # as the command line has them
        ({"timeout": "inf", "grace": "nan"}, 0),
        ({"timeout": None, "grace": "soon"}, 0),  # the engine says what is wrong with it
    ],
)
def test_what_a_request_asks_to_wait_for_comes_on_top(args: dict[str, Any], seconds: float) -> None:
    assert own_waits(args) == seconds


@pytest.mark.parametrize(
    "name", ["api_client.py", "api_paths.py", "api_requests.py", "client.py", "engine_calls.py", "table.py"]
)
def test_what_modules_carry_needs_the_standard_library_only(name: str) -> None:
    tree = ast.parse((SOURCES / name).read_text())
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    named = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    imported |= {
        str(node.module) for node in named if not node.level
    }  # beside it, what modules carry under the same name
    links = SOURCES.parents[1] / "plugins" / "module_utils"
    assert all((links / f"{node.module}.py").is_symlink() for node in named if node.level)
    assert {module.partition(".")[0] for module in imported} <= sys.stdlib_module_names
