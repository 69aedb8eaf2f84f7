"""The program skerry: what a command line asks of the engine, and what a person gets to read."""

import io
import json
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from skerry import inside, streams
from skerry.cli import attached, show
from skerry.cli import main as command
from skerry.cli.main import EXIT_CODES, NOT_STARTED, main
from skerry.model.errors import Code
from skerry.protocol import core
from skerry.protocol.commands import describe
from skerry.protocol.core import WIRE_VERSION
from skerry.protocol.table import TABLE
from tests.unit.client.conftest import StartEngine
from tests.unit.client.engine_stub import done, refused

BLOG = {"name": "blog"}
COMMANDS: list[tuple[str, dict[str, Any]]] = [
    ("list", {"verb": "list"}),
    ("list --project shop", {"verb": "list", "project": "shop"}),
    ("info blog", {"verb": "info", "container": BLOG}),
    ("info blog --show-env", {"verb": "info", "container": BLOG, "show_env": True}),
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
    ("copy blog@one next --memory 1G --no-start",
     {"verb": "copy", "source": "blog@one", "container": {"name": "next"}, "spec": {"memory": "1G"}, "start": False}),
    ("rename blog next --realm r", {"verb": "rename", "container": {"name": "blog", "realm": "r"}, "new_name": "next"}),
    ("volume copy data next --size 2G",
     {"verb": "volume_copy", "source": "data", "volume": {"name": "next"}, "size": "2G"}),
    ("volume rename data next", {"verb": "volume_rename", "volume": {"name": "data"}, "new_name": "next"}),
    ("update blog --", {"verb": "update", "container": BLOG, "spec": {"command": []}}),
    ("list --", {"verb": "list"}),
    ("exec blog -u www-data -w /srv -e A=1 --env B=2 -- ls -l --user",
     {"verb": "exec", "container": BLOG, "user": "www-data", "workdir": "/srv", "env": {"A": "1", "B": "2"},
      "command": ["ls", "-l", "--user"]}),
    ("shell blog --realm r", {"verb": "shell", "container": {"name": "blog", "realm": "r"}}),
    ("get blog /etc/hostname", {"verb": "get", "container": BLOG, "path": "/etc/hostname"}),
    ("put blog /srv/x --owner 33 --mode 0640",
     {"verb": "put", "container": BLOG, "path": "/srv/x", "owner": "33", "mode": "0640"}),
    ("plan delete blog", {"verb": "plan", "of": {"verb": "delete", "container": BLOG}}),
    ("operations --count 3", {"verb": "operations", "count": "3"}),
    ("status", {"verb": "status"}),
    ("image list", {"verb": "image_list"}),
    ("image delete old", {"verb": "image_delete", "name": "old"}),
    ("image pull web docker.io/library/nginx:1.27 --no-tls-verify",
     {"verb": "image_pull", "name": "web", "source": "docker.io/library/nginx:1.27", "tls_verify": False}),
    ("image prune", {"verb": "image_prune"}),
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
    assert server.asked == [{"version": WIRE_VERSION, **request_}]
    TABLE.parse({"version": WIRE_VERSION, **request_})


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
    one = {"id": 7, "started": "2026-01-01", "verb": "create", "kind": "container", "resource": "default/default/blog",
           "state": "done", "done": 2, "steps": ["a", "b"], "timings_ms": [1.2, 3.4], "error": ""}  # fmt: skip
    out, _ = shown(engine, capsys, "operations", done(operations=[one]))
    assert out.splitlines()[1].split() == [
        "7",
        "2026-01-01",
        "create",
        "container",
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


def test_an_operation_shows_each_step_with_its_milliseconds(
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


def test_an_operation_that_changes_nothing(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(
        engine, capsys, "start blog", done(changed=False, before=CONTAINER, after=CONTAINER, plans=[])
    )
    assert out.splitlines() == ["no change", "blog: running https://x/"]


def test_a_delete(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = shown(engine, capsys, "delete blog", done(changed=True, before=CONTAINER, after=None, plans=[]))
    assert out == "blog: deleted; its URL is dead\n"


def test_what_waits_for_a_restart(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"verb": "update", "steps": [], "stored": ["env (A added)"], "restart_required": ["env"]}
    after = CONTAINER | {"realm": "default", "project": "shop"}
    out, _ = shown(
        engine,
        capsys,
        "update blog --env A=1",
        done(changed=True, before=CONTAINER, after=after, plans=[plan]),
    )
    assert out.splitlines()[:2] == [
        "stored: env (A added)",
        "a restart is due for env: skerry restart blog --project shop",
    ]


def test_after_a_restart_nothing_waits_for_one(
    engine: StartEngine, capsys: pytest.CaptureFixture[str]
) -> None:
    update = {"verb": "update", "steps": [], "stored": ["env (A added)"], "restart_required": ["env"]}
    restart = {"verb": "restart", "steps": ["remove unit"], "stored": [], "restart_required": []}
    answer = done(changed=True, before=CONTAINER, after=CONTAINER, plans=[update, restart])
    out, _ = shown(engine, capsys, "ensure blog --env A=1 --state restarted", answer)
    assert out.splitlines() == ["stored: env (A added)", "blog: running https://x/"]


def test_a_plan_says_what_it_stores(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    plan = {"verb": "update", "steps": [], "stored": ["memory 256M to 1G"], "restart_required": []}
    out, _ = shown(
        engine, capsys, "plan update blog --memory 1G", done(after=CONTAINER, plans=[plan], missing="")
    )
    assert out == "update: store memory 256M to 1G\n"


def test_a_warning_goes_to_standard_error(engine: StartEngine, capsys: pytest.CaptureFixture[str]) -> None:
    answer = done(changed=True, before=None, after=CONTAINER, plans=[PLAN], warnings=["memory: too much"])
    out, err = shown(engine, capsys, "create blog --image hello", answer)
    assert err == "warning: memory: too much.\n"
    assert "warning" not in out


def test_a_secret_is_the_first_line_of_a_file_and_no_argument(
    engine: StartEngine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text("hunter2 \nmore\n")
    server = engine([done(changed=False)])
    words = [
        "image",
        "pull",
        "web",
        "r.example.org/a:1",
        "--username",
        "who",
        "--json",
        "--socket",
        server.path,
    ]
    assert main([*words, "--password-file", str(tmp_path / "password")]) == 0
    assert server.asked[0]["password"] == "hunter2 "
    with pytest.raises(SystemExit):
        main([*words, "--password-file", str(tmp_path / "none")])
    assert "argument --password-file:" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*words, "--password", "hunter2"])


def test_a_variable_without_a_value_is_refused_and_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["create", "blog", "--image", "hello", "--env", "hunter2"])
    said = capsys.readouterr().err
    assert ended.value.code == EXIT_CODES["invalid"]
    assert "argument -e/--env: a name has no value; give NAME=VALUE, or NAME= for an empty one" in said
    assert "hunter2" not in said


def test_an_empty_text_makes_an_option_empty(engine: StartEngine) -> None:
    server = engine([refused("not_found", "there is no container x")])
    words = [
        "--health",
        "",
        "--after",
        "",
        "--env",
        "",
        "--group",
        "a",
        "--group",
        "b",
        "--label",
        "",
        "--volume",
        "",
    ]
    assert main(["update", "x", *words, "--grace-now", "2", "--socket", server.path]) == 3
    asked = server.asked[0]
    empty: dict[str, object] = {"health": {}, "after": [], "env": {}, "labels": {}, "volumes": []}
    assert asked["spec"] == empty | {"groups": ["a", "b"]}
    assert asked["grace_now"] == "2"


def test_labels_are_keys_with_values(engine: StartEngine) -> None:
    server = engine([refused("not_found", "there is no container x")])
    main(["update", "x", "--label", "app=web", "--label", "note=a=b", "--socket", server.path])
    assert server.asked[0]["spec"] == {"labels": {"app": "web", "note": "a=b"}}


def test_a_check_s_command_is_one_text(engine: StartEngine) -> None:
    server = engine([refused("not_found", "there is no container x")])
    command = "curl -f http://localhost/?a=b || exit 1"
    main(["update", "x", "--health", f"command={command}", "--health", "retries=1", "--socket", server.path])
    assert server.asked[0]["spec"] == {"health": {"command": command, "retries": "1"}}


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


def test_an_installed_command_takes_its_verbs_from_a_file(
    engine: StartEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verbs = [one | {"summary": "From the file."} for one in describe(TABLE) if one["verb"] == "list"]
    (tmp_path / "commands.json").write_text(json.dumps(verbs))
    monkeypatch.setattr(command, "COMMANDS", str(tmp_path / "commands.json"))
    server = engine([done(containers=[])])
    assert main(["list", "--json", "--project", "shop", "--socket", server.path]) == 0
    assert server.asked == [{"version": WIRE_VERSION, "verb": "list", "project": "shop"}]
    with pytest.raises(SystemExit):  # info is not in that file
        main(["info", "blog"])


def test_the_file_holds_every_verb_as_the_table_has_it() -> None:
    assert json.loads(json.dumps(describe(TABLE))) == describe(TABLE)
    assert [one["verb"] for one in describe(TABLE)] == [
        verb.name for verb in TABLE.verbs() if verb.request.for_people
    ]
    assert command.PLAN == core.PLAN


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "the following arguments are required: VERB"),
        ("bogus", "invalid choice: 'bogus'"),
        ("image", "the following arguments are required: VERB"),
        ("image bogus", "invalid choice: 'bogus'"),
        ("info", "skerry info: error: the following arguments are required: NAME"),
        ("list --relm r", "skerry list: error: unrecognized arguments: --relm"),
        ("create x --image", "skerry create: error: argument --image: expected one argument"),
        ("--json list", "unrecognized arguments: --json"),
    ],
)
def test_a_wrong_command_line_says_what_is_wrong(
    capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert (ended.value.code, said in capsys.readouterr().err) == (EXIT_CODES["invalid"], True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--help", "Make a container that must not exist yet."),
        ("image --help", "Delete an image that no container is made of."),
        ("create --help", "Memory it may use at most."),
    ],
)
def test_help_says_what_there_is(capsys: pytest.CaptureFixture[str], words: str, said: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words.split())
    assert (ended.value.code, said in capsys.readouterr().out) == (0, True)


@pytest.mark.parametrize("command", ["exec blog -- ls", "shell blog"])
def test_no_programs_exit_code_is_taken_for_a_refusal(
    engine: StartEngine, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    server = engine([refused("not_found", "there is no container blog")])
    words = command.split()
    assert main([*words[:2], "--socket", server.path, *words[2:]]) == NOT_STARTED
    assert capsys.readouterr().err == "error: there is no container blog.\n"


def test_what_a_program_ends_with_is_the_commands_exit_code(
    engine: StartEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(attached, "run", lambda ticket: started.append(ticket) or 7)
    server = engine([done(id="a", env={"A": "1"})])
    assert main(["exec", "blog", "--socket", server.path, "--", "ls"]) == 7
    assert started == [{"id": "a", "env": {"TERM": "xterm", "A": "1"}}]


def test_a_file_that_cannot_be_read_is_an_error(
    engine: StartEngine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_place: Any, _target: Any) -> None:
        raise inside.InsideError("/x: No such file or directory")

    monkeypatch.setattr(inside, "get", fails)
    server = engine([done(path="/x")])
    assert main(["get", "blog", "/x", "--socket", server.path]) == EXIT_CODES["failed"]
    assert capsys.readouterr().err == "error: /x: No such file or directory.\n"


def test_a_plan_of_an_import_reads_what_the_archive_begins_with(engine: StartEngine, tmp_path: Path) -> None:
    path = tmp_path / "blog.tar"
    with tarfile.open(path, "w") as tar:
        head = tarfile.TarInfo(streams.HEAD)
        head.size = 2
        tar.addfile(head, io.BytesIO(b"{}"))
    server = engine([done(changed=True, before=None, after=None, plans=[], warnings=[], missing="")])
    assert main(["plan", "import", "new", str(path), "--memory", "1G", "--socket", server.path]) == 0
    asked = server.asked[0]["of"]
    assert asked == {
        "verb": "import",
        "container": {"name": "new"},
        "manifest": "{}",
        "spec": {"memory": "1G"},
    }


@pytest.mark.parametrize(
    ("verb", "stream"), [("export", "stdout"), ("import", "stdin"), ("volume backup", "stdout")]
)
def test_an_archive_is_neither_shown_nor_typed_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], verb: str, stream: str
) -> None:
    monkeypatch.setattr(getattr(sys, stream), "isatty", lambda: True, raising=False)
    assert main([*verb.split(), "blog"]) == EXIT_CODES["invalid"]
    assert "-: " not in (said := capsys.readouterr().err)
    assert "cannot be typed or shown at a terminal" in said


def test_a_file_that_is_no_archive_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.tar").write_text("no archive")
    assert main(["import", "new", str(tmp_path / "x.tar")]) == EXIT_CODES["invalid"]
    assert f"error: {tmp_path}/x.tar: this is no archive that 'export' wrote" in capsys.readouterr().err


def test_a_field_that_is_called_as_the_resource_is_a_field() -> None:
    """As in what becomes of a request, and by which policy."""
    command: Any = {"changes": False, "resource": "policy", "resources": "policies"}
    said = show.answer(command, {"status": 403, "policy": "default/default/blog"})
    assert [line.split() for line in said.splitlines()] == [
        ["status", "403"],
        ["policy", "default/default/blog"],
    ]
