"""What a running unit keeps: the variables that it was started with, in a configuration that today's launcher can read."""

import dataclasses
from pathlib import Path

import pytest

from skerry.model.errors import SkerryError
from skerry.model.host import HostConfig
from skerry.parts.base import Step
from skerry.parts.unit import Unit

UNIT = Unit(
    id="c" * 24,
    realm_id="a" * 24,
    project_id="b" * 24,
    hostname="web",
    slot=7,
    image_digest="d" * 64,
    command=("/app", "-v"),
    env=("HOME=/root", "GREETING=good day "),
    memory=2**28,
    cpu=1.0,
    pids=256,
)
OLD = "lxc.uts.name = web\nlxc.environment = HOME\nlxc.environment = GREETING\n"


@pytest.fixture
def host(tmp_path: Path) -> HostConfig:
    return HostConfig(domain="example.org", state=str(tmp_path), pool=str(tmp_path), run=str(tmp_path))


@pytest.fixture
def config(host: HostConfig) -> Path:
    """The configuration of the unit, that an older Skerry started."""
    folder = Path(host.run, "c", UNIT.id)
    folder.mkdir(parents=True)
    words = [
        "/image",
        "/files",
        "/rootfs",
        "1",
        str(folder / "config"),
        UNIT.id,
        "2",
        *UNIT.env,
        *UNIT.command,
    ]
    (folder / "launch").write_text("\0".join(words))
    (folder / "config").write_text(OLD)
    return folder / "config"


def test_an_older_configuration_is_written_anew_once(host: HostConfig, config: Path) -> None:
    assert UNIT.refresh(host)
    found = config.read_text().splitlines()
    assert found[-2:] == ['lxc.environment = "HOME=/root"', 'lxc.environment = "GREETING=good day "']
    assert config.stat().st_mode & 0o777 == 0o600
    assert not UNIT.refresh(host)


def test_it_keeps_what_it_was_started_with(host: HostConfig, config: Path) -> None:
    changed = dataclasses.replace(UNIT, env=("HOME=/elsewhere",), command=("/other",))
    assert changed.refresh(host)
    assert 'lxc.environment = "HOME=/root"' in config.read_text()
    assert "elsewhere" not in config.read_text()
    assert changed.waits_for_restart(host)
    assert not UNIT.waits_for_restart(host)


def test_what_does_not_run_has_no_configuration(host: HostConfig) -> None:
    assert not UNIT.refresh(host)
    assert not UNIT.waits_for_restart(host)


def test_a_variable_that_no_line_can_carry_leaves_it_as_it_is(host: HostConfig, config: Path) -> None:
    launch = config.with_name("launch")
    launch.write_bytes(launch.read_bytes().replace(b"good day ", b"good\rday"))
    with pytest.raises(SkerryError, match="the value of GREETING must be one line"):
        UNIT.refresh(host)
    assert config.read_text() == OLD


@pytest.mark.parametrize(("grace", "left"), [(0.0, 0.0), (3.0, 3.0), (3600.0, 10.0)])
def test_an_engine_that_starts_waits_ten_seconds_at_most(grace: float, left: float) -> None:
    step = Step("remove", dataclasses.replace(UNIT, grace=grace), "it stops")
    assert step.hurried() == Step("remove", dataclasses.replace(UNIT, grace=left), "it stops")
