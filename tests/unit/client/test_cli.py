"""The program skerry: what a command line asks of the engine, and what a person gets to read."""

import json
from typing import Any

import pytest

from skerry.cli import EXIT_CODES, main
from skerry.engine import requests
from skerry.model.errors import Code
from tests.unit.client.conftest import StartEngine
from tests.unit.client.engine_stub import done, refused

BLOG = {"name": "blog"}
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("list", {"verb": "list"}),
    ("list --project shop", {"verb": "list", "project": "shop"}),
    ("info blog", {"verb": "info", "container": BLOG}),
    ("start blog --wait running", {"verb": "start", "container": BLOG, "wait": "running"}),
    ("stop blog --grace 3", {"verb": "stop", "container": BLOG, "grace": "3"}),
    ("delete blog --realm r --project p",
     {"verb": "delete", "container": {"name": "blog", "realm": "r", "project": "p"}}),
    ("update blog --memory 512M", {"verb": "update", "container": BLOG, "spec": {"memory": "512M"}}),
    ("update blog", {"verb": "update", "container": BLOG, "spec": {}}),
    ("create blog --image hello --no-start",
     {"verb": "create", "container": BLOG, "spec": {"image": "hello"}, "start": False}),
    ("create blog --image hello --env A=1 --env B=x=y --service web:80 -- /bin/sleep --help",
     {"verb": "create", "container": BLOG,
      "spec": {"image": "hello", "env": {"A": "1", "B": "x=y"}, "services": [{"name": "web", "port": "80"}],
               "command": ["/bin/sleep", "--help"]}}),
    ("plan delete blog", {"verb": "plan", "of": {"verb": "delete", "container": BLOG}}),
    ("operations --count 3", {"verb": "operations", "count": "3"}),
    ("status", {"verb": "status"}),
    ("image list", {"verb": "image_list"}),
    ("image delete old", {"verb": "image_delete", "name": "old"}),
    (f"image import web /srv/web.tar --sha256 {'a' * 64} -- /app",
     {"verb": "image_import", "name": "web", "path": "/srv/web.tar", "sha256": "a" * 64, "command": ["/app"]}),
    ("image build web --package nginx --package curl --rebuild",
     {"verb": "image_build", "name": "web", "packages": ["nginx", "curl"], "rebuild": True}),
]  # fmt: skip


@pytest.mark.parametrize(("command", "request_"), COMMANDS)
def test_a_command_line_becomes_a_request_that_the_engine_accepts(
    engine: StartEngine, command: str, request_: dict[str, Any]
) -> None:
    server = engine([done(containers=[], images=[], operations=[], changed=False)])
    words = command.split()
    end = words.index("--") if "--" in words else len(words)
    assert main([*words[:end], "--json", "--socket", server.path, *words[end:]]) == 0
    assert server.asked == [{"version": 1, **request_}]
    requests.parse({"version": 1, **request_})


CONTAINER = {"name": "blog", "project": "default", "state": "running", "url": "https://x/", "memory": "256M",
             "cpu": 1.0, "pids": 256, "image": "hello", "ipv4": "10.90.1.1"}  # fmt: skip


def shown(
    engine: StartEngine, capsys: pytest.CaptureFixture[str], command: str, *lines: Any
) -> tuple[str, str]:
    server = engine(list(lines))
    assert main([*command.split(), "--socket", server.path]) == 0
    return capsys.readouterr()


def test_a_list_is_a_table(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    other = CONTAINER | {"name": "a-longer-name", "state": "stopped", "cpu": 0.5}
    out, _ = shown(engine, capsys, "list", done(containers=[CONTAINER, other]))
    assert out.splitlines() == [
        "NAME           PROJECT  STATE    URL         MEMORY  CPU  PIDS  IMAGE  IPV4",
        "blog           default  running  https://x/  256M    1    256   hello  10.90.1.1",
        "a-longer-name  default  stopped  https://x/  256M    0.5  256   hello  10.90.1.1",
    ]


def test_nothing_to_list(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(engine, capsys, "list", done(containers=[]))[0] == "no containers\n"


def test_one_container(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(
        engine, capsys, "info blog", done(container={"name": "blog", "services": [], "command": None})
    )
    assert out.splitlines() == ["name      blog", "services  []", "command   null"]


def test_the_host(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(engine, capsys, "status", done(version="1", memory_promised=512 * 1024**2))
    assert out.splitlines() == ["version          1", "memory_promised  512M"]


def test_the_journal(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    one = {"id": 7, "started": "2026-01-01", "verb": "create", "container": "default/default/blog",
           "state": "done", "done": 2, "steps": ["a", "b"], "timings_ms": [1.2, 3.4], "error": ""}  # fmt: skip
    out, _ = shown(engine, capsys, "operations", done(operations=[one]))
    assert out.splitlines()[1].split() == [
        "7",
        "2026-01-01",
        "create",
        "default/default/blog",
        "done",
        "2/2",
        "5",
    ]


def test_images(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    image = {"name": "hello", "digest": "a" * 64, "size": 45 * 1024**2, "containers": 3, "created": "2026"}
    out, _ = shown(engine, capsys, "image list", done(images=[image]))
    assert out.splitlines()[1].split() == ["hello", "a" * 12, "45M", "3", "2026"]


PLAN = {"verb": "create", "steps": ["make it"], "restart_required": []}


def test_a_deed_shows_each_step_with_its_milliseconds(
    engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    out, err = shown(
        engine, capsys, "create blog --image hello",
        {"event": "plan", "verb": "create", "steps": ["make it"]},
        {"event": "progress", "stage": "mounting"},
        {"event": "progress", "stage": "mounting"},
        {"event": "step", "number": 1, "of": 1, "title": "make it", "ms": 12.34},
        done(changed=True, before=None, after=CONTAINER, plans=[PLAN]),
    )  # fmt: skip
    assert err.splitlines() == ["create in 1 step", "  mounting …", "  1/1    12.3 ms  make it"]
    assert out.splitlines() == ["blog: running https://x/"]


def test_a_plan_is_its_steps(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    command = "plan create blog --image hello"
    out, _ = shown(engine, capsys, command, done(changed=True, before=None, after=CONTAINER, plans=[PLAN]))
    assert out == "create: make it\n"


def test_a_plan_of_nothing(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(
        engine, capsys, "plan start blog", done(changed=False, before=CONTAINER, after=CONTAINER, plans=[])
    )
    assert out == "no change\n"


def test_a_deed_that_changes_nothing(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(
        engine, capsys, "start blog", done(changed=False, before=CONTAINER, after=CONTAINER, plans=[])
    )
    assert out.splitlines() == ["no change", "blog: running https://x/"]


def test_a_delete(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(engine, capsys, "delete blog", done(changed=True, before=CONTAINER, after=None, plans=[]))
    assert out == "blog: deleted; its URL is dead\n"


def test_what_waits_for_a_restart(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"verb": "update", "steps": [], "restart_required": ["env"]}
    out, _ = shown(
        engine,
        capsys,
        "update blog --env A=1",
        done(changed=True, before=CONTAINER, after=CONTAINER, plans=[plan]),
    )
    assert out.splitlines()[0] == "restart it, and it takes over: env"


def test_an_error_is_readable_and_has_its_exit_code(
    engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    server = engine([refused("not_found", "there is no container x", "See the list", "line 1\nline 2")])
    assert main(["info", "x", "--socket", server.path]) == 3
    assert capsys.readouterr().err.splitlines() == [
        "error: there is no container x.", "       See the list.", "  | line 1", "  | line 2"
    ]  # fmt: skip


def test_every_class_of_error_has_an_exit_code_of_its_own() -> None:
    assert set(EXIT_CODES) == set(Code)
    assert len(set(EXIT_CODES.values())) == len(Code)


def test_json_is_the_answer_as_it_came(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(engine, capsys, "list --json", {"event": "x"}, done(containers=[CONTAINER]))
    assert json.loads(out) == {"containers": [CONTAINER]}
    assert err == ""
