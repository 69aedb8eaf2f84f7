"""Hardening on a platform: what it says of this host, what has drifted, and what is refused."""

import json
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.integration.playbooks import play

CHECK = "playbooks/hardening.yml"
PROGRAM = "/usr/bin/newgrp"
# The connection to the host may be older than the setting, and hand its own mask down.
UMASK = "umask 022; su -l root -c umask"


@pytest.fixture
def damaged(host: Host) -> Iterator[None]:
    """Somebody gave a program back its rights, and edited a file."""
    host.check_output(f"chmod 4755 {PROGRAM}")
    yield
    host.check_output(f"chmod 0755 {PROGRAM}")


def test_nothing_has_drifted_and_what_a_host_can_t_have_is_told(lab: str) -> None:
    said = " ".join(play(lab, CHECK).ok().output.split())
    assert "settings hold" in said
    # The fast lab's hosts are containers.
    assert "this machine is a container: its kernel is its host''s': word mitigations, word pti" in said


@pytest.mark.usefixtures("damaged")
def test_what_has_drifted_is_named_and_not_touched(lab: str, host: Host) -> None:
    found = play(lab, CHECK)
    assert found.code != 0
    assert f"mode {PROGRAM}: root root 4755, not root root 0755" in " ".join(found.output.split())
    assert host.check_output(f"stat --format=%a {PROGRAM}") == "4755"
    mended = play(lab, "site.yml", "--tags=hardening").ok()
    assert len(mended.changed) == 1
    assert host.check_output(f"stat --format=%a {PROGRAM}") == "755"


def test_an_unknown_name_is_refused_before_anything_is_changed(lab: str) -> None:
    refused = play(lab, "site.yml", "--tags=hardening", "-e", '{"hardening_off": ["mount /tmpp"]}')
    assert refused.code != 0
    assert 'the nearest one is "mount /tmp"' in " ".join(refused.output.split())
    assert refused.changed == []


def test_a_setting_that_is_turned_off_is_given_back(lab: str, host: Host) -> None:
    off = json.dumps({"hardening_off": [f"mode {PROGRAM}", "session umask"]})
    play(lab, "site.yml", "--tags=hardening", "-e", off).ok()
    assert host.check_output(f"stat --format=%a {PROGRAM}") == "4755"
    assert host.check_output(UMASK) == "0022"
    play(lab, "site.yml", "--tags=hardening").ok()
    assert host.check_output(f"stat --format=%a {PROGRAM}") == "755"
    assert host.check_output(UMASK) == "0027"
