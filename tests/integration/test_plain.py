"""site.yml in check mode on a Debian with ssh and Python and nothing else: no package of the platform is there."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.integration.check_mode import checked, on_host
from tests.integration.playbooks import ROOT, play


@pytest.fixture
def plain(lab: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Such a Debian, a lab of its own; its name."""
    name = f"{lab}-plain"
    program = [sys.executable, "-m", "skerry_lab"]
    words = ["up", name, "--image", "plain", "--owner", "test", "--fresh"]
    subprocess.run([*program, *words], cwd=ROOT, check=True, capture_output=True, text=True)
    monkeypatch.setenv("SKERRY_LAB", name)
    yield name
    subprocess.run([*program, "down", name], cwd=ROOT, check=True, capture_output=True, text=True)


def test_check_mode_says_where_it_ends_without_what_it_needs(plain: str) -> None:
    ended = play(plain, "site.yml", "--check")
    assert ended.code != 0
    assert f"{plain}: check mode ends here. Without the package python3-apt Ansible" in " ".join(
        ended.output.split()
    )


def test_check_mode_goes_through_without_the_platforms_packages(plain: str) -> None:
    on_host(
        plain,
        "apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy install --no-install-recommends python3-apt",
    )
    done = checked(plain)
    for package in ("unattended-upgrades", "nftables", "systemd-resolved", "haproxy", "apparmor"):
        assert f" {package}" in done.output
    assert "check mode leaves out the certificate" in " ".join(done.output.split())
