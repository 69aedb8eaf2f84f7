"""What Tab shows: verbs, options, and names of what the engine has. Each case asks the program as bash does."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from skerry.protocol.commands import describe
from skerry.protocol.table import TABLE
from tests.unit.client.conftest import StartEngine
from tests.unit.client.engine_stub import done, refused

Completed = Callable[[str], list[str]]
HERE = {"realm": "default", "project": "default"}
CONTAINERS = done(
    containers=[{"name": "blog", **HERE}, {"name": "shop", **HERE}, {"name": "till", **HERE, "project": "p"}]
)
IMAGES = done(images=[{"name": "hello", "digest": "a"}, {"name": "web", "digest": "b"}])
THEIRS = done(containers=[{"name": "web", "realm": "acme", "project": "shop"}, {"name": "blog", **HERE}])
REALMS = done(realms=[{"name": "acme"}, {"name": "default"}])
PROJECTS = done(
    projects=[
        {"realm": "acme", "name": "shop"},
        {"realm": "default", "name": "default"},
        {"realm": "default", "name": "lab"},
    ]
)
# The program, with its verbs in a file as where the package is installed. bash reads what it writes to descriptor 8.
PROGRAM = "import sys; from skerry.cli import main; main.COMMANDS = sys.argv.pop(1); sys.exit(main.main())"
BASH = 'exec "$@" 8>&1 >/dev/null'


@pytest.fixture(autouse=True)
def system_guard() -> None:
    """The program itself is the subject."""


@pytest.fixture(scope="module")
def verbs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file with the verbs."""
    path = tmp_path_factory.mktemp("installed") / "commands.json"
    path.write_text(json.dumps(describe(TABLE)))
    return path


@pytest.fixture
def completed(verbs: Path) -> Completed:
    """What may stand at the end of a line."""

    def ask(line: str) -> list[str]:
        asked = {
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_IFS": "\n",
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
        }
        answer = subprocess.run(
            ["bash", "-c", BASH, "bash", sys.executable, "-c", PROGRAM, str(verbs)],
            env={**os.environ, **asked},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        return sorted(one.strip() for one in answer.stdout.splitlines())

    return ask


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("skerry fre", ["freeze"]),
        ("skerry image pru", ["prune"]),
        ("skerry plan image pru", ["prune"]),
        ("skerry plan lis", []),
        ("skerry list --pro", ["--project"]),
        ("skerry create x --no", ["--no-start"]),
        ("skerry start x --wait r", ["ready", "running"]),
        ("skerry image pull a b --password-file - --tls", ["--tls-verify"]),
        ("skerry create b", []),  # it must not exist yet
        ("skerry copy blog b", []),
        ("skerry start --socket /nonexistent/engine.sock ", []),
    ],
)
def test_verbs_and_options_need_no_engine(completed: Completed, line: str, shown: list[str]) -> None:
    assert completed(line) == shown


@pytest.mark.parametrize(
    ("verb", "rest", "answer", "asked", "shown"),
    [
        ("start", "", CONTAINERS, "list", ["blog", "shop"]),
        ("start", "s", CONTAINERS, "list", ["shop"]),
        ("plan delete", "b", CONTAINERS, "list", ["blog"]),
        ("start", "--project p ", CONTAINERS, "list", ["till"]),
        ("copy", "b", CONTAINERS, "list", ["blog"]),
        ("rename", "s", CONTAINERS, "list", ["shop"]),
        ("volume copy", "d", done(volumes=[{"name": "data", **HERE}]), "volume_list", ["data"]),
        ("update", "blog --after s", CONTAINERS, "list", ["shop"]),
        ("update", "blog --image h", IMAGES, "image_list", ["hello"]),
        ("image delete", "w", IMAGES, "image_list", ["web"]),
        ("volume delete", "d", done(volumes=[{"name": "data", **HERE}]), "volume_list", ["data"]),
        ("update", "blog --volume d", done(volumes=[{"name": "data", **HERE}]), "volume_list", ["data:"]),
        ("alias delete", "s", done(aliases=[{"alias": "shop", **HERE}]), "alias_list", ["shop"]),
        ("alias set", "shop --container b", CONTAINERS, "list", ["blog"]),
        ("secret delete", "k", done(secrets=[{"name": "key", **HERE}]), "secret_list", ["key"]),
        ("start", "", refused("busy", "not now"), "list", []),
        ("start", "--project acme/shop ", THEIRS, "list", ["web"]),
        ("start", "web --project ", PROJECTS, "project_list", ["acme/shop", "default", "lab"]),
        ("start", "web --realm ", REALMS, "realm_list", ["acme", "default"]),
        ("project delete", "ac", PROJECTS, "project_list", ["acme/shop"]),
        ("realm update", "a", REALMS, "realm_list", ["acme"]),
    ],
)
def test_names_come_from_the_engine(
    engine: StartEngine,
    completed: Completed,
    verb: str,
    rest: str,
    answer: Any,
    asked: str,
    shown: list[str],
) -> None:
    server = engine([answer])
    found = completed(f"skerry {verb} --socket {server.path} {rest}")
    assert ([one["verb"] for one in server.asked], found) == ([asked], shown)


def test_no_other_call_imports_argcomplete(verbs: Path) -> None:
    program = f"{PROGRAM.replace('sys.exit(main.main())', 'main.main([])')}"
    answer = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", program, str(verbs)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "skerry.cli.main" in answer.stderr
    assert "argcomplete" not in answer.stderr
