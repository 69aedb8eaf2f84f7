"""A realm's journal: its bounds are written before its first unit starts."""

from pathlib import Path

import pytest

from skerry.host import journals
from skerry.model.host import HostConfig

REALM = "b" * 24


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(journals, "_FOLDER", tmp_path)
    monkeypatch.setattr(journals, "_SOCKETS", tmp_path)
    return tmp_path


def test_bounds_are_those_of_the_hosts_configuration(folder: Path) -> None:
    journals.prepare(HostConfig(domain="x", log_disk=80 * 1024**2), REALM)
    text = (folder / f"journald@skerry-{REALM}.conf").read_text()
    assert "SystemMaxUse=83886080\nSystemMaxFileSize=10485760\n" in text


def test_what_is_there_already_is_not_written_again(folder: Path) -> None:
    journals.prepare(HostConfig(domain="x"), REALM)
    path = folder / f"journald@skerry-{REALM}.conf"
    path.chmod(0o600)
    journals.prepare(HostConfig(domain="x"), REALM)
    assert path.stat().st_mode & 0o777 == 0o600
    journals.prepare(HostConfig(domain="x", log_disk=1 << 30), REALM)
    assert "SystemMaxUse=1073741824" in path.read_text()


def test_those_that_can_be_asked(folder: Path) -> None:
    for name in ("journal", "journal.skerry-b", "journal.skerry-a", "journal.other"):
        (folder / name).mkdir()
    assert journals.active() == ["skerry-a", "skerry-b"]
