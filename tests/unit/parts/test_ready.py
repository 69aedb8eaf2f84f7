"""The wait for a container's port: what is told where it is in vain."""

import time
from pathlib import Path

import pytest

from skerry.host import systemd, tcp
from skerry.host.systemd import Restarts
from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts.ready import Ready

ID = "c" * 24
READY = Ready(ID, "10.90.1.1", 1071, timeout=0.4)


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> HostConfig:
    """A host whose container runs, and never answers."""
    (tmp_path / "c" / ID).mkdir(parents=True)
    monkeypatch.setattr(tcp, "accepts", lambda _address, _port: False)
    monkeypatch.setattr(systemd, "journal", lambda _unit: "its log")
    unit_is(monkeypatch, "active")
    return HostConfig("example.org", run=str(tmp_path))


def unit_is(monkeypatch: pytest.MonkeyPatch, *states: str, restarts: int = 0) -> None:
    """One after the other, and the last one for ever."""
    coming = list(states)
    monkeypatch.setattr(systemd, "state", lambda _unit: coming.pop(0) if len(coming) > 1 else coming[0])
    monkeypatch.setattr(systemd, "restarts", lambda _unit: Restarts(restarts))


def refusal(host: HostConfig, ready: Ready = READY) -> SkerryError:
    with pytest.raises(SkerryError) as found:
        ready.make(host)
    assert found.value.journal == "its log"
    return found.value


def test_a_port_that_never_answers(host: HostConfig) -> None:
    told = refusal(host)
    assert told.message == "nothing answered on port 1071 of the container within 0.4 s"
    assert told.hint.endswith("or only wait until it runs (-e wait=running, --wait running)")


def test_an_end_is_told_though_systemd_has_started_it_again(
    host: HostConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    unit_is(monkeypatch, "restarting", "active", restarts=1)
    began = time.monotonic()
    told = refusal(host, Ready(ID, "10.90.1.1", 1071, timeout=60))
    assert (told.message, told.hint) == (
        "the container's program ended while it was waited for",
        "The end of its log says why",
    )
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("port", [1071, 0])
def test_an_end_is_told_with_how_it_ended(host: HostConfig, port: int) -> None:
    Path(host.run, "c", ID, "ended").write_text("127 0\n")
    told = refusal(host, Ready(ID, "10.90.1.1", port, timeout=60))
    assert told.message == "the container's program ended while it was waited for: exit code 127"


def test_ends_that_no_look_saw_are_told_as_well(host: HostConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    unit_is(monkeypatch, "active", restarts=2)
    told = refusal(host)
    assert told.message.endswith("within 0.4 s; its program ended and was started again 2 times")
    assert told.hint == "The end of its log says why"
