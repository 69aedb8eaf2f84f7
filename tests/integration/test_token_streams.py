"""Streams for tokens on a real host: a program's own streams, a log that is followed, and what ends them."""

import json
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from tests.integration import tenants

ACME = "t-acme/shop"
AS_API = "runuser -u skerry-api -- python3 /run/on_host"
STAYS = ["/bin/sh", "-c", "sleep 61234 & sleep 61235"]
Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module", autouse=True)
def web(host: Host, hello: str, on_host: Callable[..., CommandResult]) -> Iterator[None]:
    """A container that runs, in a realm of its own."""
    revoke(host)
    tenants.delete(host, ACME)
    tenants.make(host, ACME)
    host.check_output(f"skerry create web --image hello --project {ACME} --memory 128M")
    yield
    revoke(host)
    tenants.delete(host, ACME)


@pytest.fixture
def by(host: Host) -> str:
    """A token that may do all in its realm."""
    revoke(host)
    made = host.check_output("skerry token create t-acme/ci --template admin --json")
    return str(json.loads(made)["once"]["token"])


def revoke(host: Host) -> None:
    host.run("skerry token revoke t-acme/ci")


@pytest.fixture
def run(host: Host, by: str) -> Run:
    """Runs a program by the token, as the API's user."""

    def runs(case: str, **fields: Any) -> dict[str, Any]:
        words = shlex.join([by, json.dumps(asked("exec_stream", **fields)), case])
        return dict(json.loads(host.check_output(f"{AS_API}/stream_by_token.py {words}").splitlines()[-1]))

    return runs


def asked(verb: str, **fields: Any) -> dict[str, Any]:
    return {"verb": verb, "container": {"name": "web", "project": ACME}, **fields}


def status(answer: dict[str, Any]) -> int:
    assert answer["last"]["ok"], answer
    return int(answer["last"]["result"]["status"])


def left(host: Host) -> list[str]:
    """What still runs of STAYS, after a moment."""
    for _ in range(30):
        if not (found := host.run("pgrep --full --list-full '^sleep 6123[45]'").stdout.splitlines()):
            break
        time.sleep(0.1)
    return found


def test_a_client_has_the_programs_own_streams(run: Run) -> None:
    words = ["/bin/sh", "-c", 'cat; echo " $HUE $PWD"; id -u >&2; exit 7']
    found = run("pipes", command=words, env={"HUE": "blue"}, user="33", workdir="/tmp")
    assert (found["out"], found["err"], status(found)) == ("given blue /tmp\n", "33\n", 7)


def test_much_arrives_whole(run: Run) -> None:
    found = run("count", command=["head", "-c", "20000000", "/dev/zero"])
    assert (found["bytes"], status(found)) == (20_000_000, 0)


def test_a_signal_reaches_the_program_and_nonsense_does_not(run: Run) -> None:
    assert status(run("term", command=["sleep", "60"])) == 128 + 15


def test_a_shell_at_a_terminal_with_a_size(run: Run) -> None:
    found = run("shell", terminal={"rows": 30, "columns": 100}, env={"TERM": "dumb"})
    assert "30 100" in found["first"]
    assert "50 120" in found["second"]
    assert status(found) == 3


def test_what_cannot_be_started_is_said(run: Run) -> None:
    assert status(run("pipes", command=["/no/such"])) == 127
    refused = run("pipes", command=["id"], terminal={"rows": 0, "columns": 80})["refused"]["error"]
    assert (refused["code"], refused["message"][:14]) == ("invalid", "terminal, rows")


def test_a_client_that_leaves_ends_all_that_it_started(host: Host, run: Run) -> None:
    assert run("leave", command=STAYS)["last"] == {"ended": True}
    assert left(host) == []


def waiting(host: Host, by: str, script: str, request: dict[str, Any], *more: str) -> None:
    words = shlex.join([by, json.dumps(request), *more])
    host.check_output(f"({AS_API}/{script} {words} > /run/t-open 2>&1 < /dev/null &)")
    for _ in range(100):
        if host.run("test -s /run/t-open").succeeded:
            return
        time.sleep(0.1)
    pytest.fail("nothing came")


def ended(host: Host) -> bool:
    for _ in range(100):
        if "ended" in (said := host.check_output("tail -n 1 /run/t-open")):
            return bool(json.loads(said))
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    "ends",
    ["skerry token revoke t-acme/ci", "systemctl restart skerry-engine.service"],
)
def test_a_program_ends_with_its_token_and_with_the_engine(host: Host, by: str, ends: str) -> None:
    waiting(host, by, "stream_by_token.py", asked("exec_stream", command=STAYS), "wait")
    began = time.monotonic()
    host.check_output(ends)
    assert time.monotonic() - began < 20, "nobody waits for a stream"
    assert ended(host)
    assert left(host) == []


def lives(host: Host) -> int:
    """How often the program has been started, by the lines that have come; two are waited for."""
    found: set[str] = set()
    for _ in range(100):
        found = {json.loads(one)["life"] for one in host.check_output("cat /run/t-open").splitlines()}
        if len(found) > 1:
            break
        time.sleep(0.1)
    return len(found)


@pytest.mark.parametrize(
    "ends",
    ["skerry token revoke t-acme/ci", "systemctl restart skerry-engine.service"],
)
def test_a_log_that_is_followed_ends_with_its_token_and_with_the_engine(
    host: Host, by: str, ends: str
) -> None:
    waiting(host, by, "by_token.py", asked("logs_stream", lines=1, follow=True))
    first = json.loads(host.check_output("head -n 1 /run/t-open"))
    assert (first["event"], first["text"][:5]) == ("line", "hello")
    host.check_output(f"skerry restart web --project {ACME}")
    assert lives(host) == 2
    host.check_output(ends)
    assert ended(host)
    assert host.run("pgrep --exact journalctl").rc == 1


def test_a_log_ends_where_it_is_not_followed(host: Host, by: str) -> None:
    words = shlex.join([by, json.dumps(asked("logs_stream", lines=1))])
    said = host.check_output(f"{AS_API}/by_token.py {words}").splitlines()
    assert json.loads(said[-1])["result"] == {"lines": len(said) - 1} == {"lines": 1}
    words = shlex.join([by, json.dumps(asked("logs_stream", since="x"))])
    wrong = json.loads(host.check_output(f"{AS_API}/by_token.py {words}"))
    assert wrong["error"]["code"] == "invalid"
    assert wrong["error"]["message"].startswith("since, until: ")
