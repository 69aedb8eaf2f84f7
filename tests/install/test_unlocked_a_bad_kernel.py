"""A bad kernel on the unlocked machine: after test_unlock.py, before accidents befall it. They go on from one another.

No hand touches the machine but one that sends the passphrase: whatever a kernel does, it comes back by itself.
tests/proofs/test_trial_boot.py has more of them, good ones, BIOS and a mirror.
"""

from collections.abc import Iterator

import pytest

from tests.install import bad_kernels
from tests.install.trials import Server

UNLOCK_S = 20


@pytest.fixture(scope="module")
def server(installed) -> Iterator[Server]:
    found = Server(installed)
    found.unlock_and_wait()
    found.shell(bad_kernels.MAKE)
    yield found
    found.shell(bad_kernels.REMOVE)


@pytest.fixture(scope="module")
def old(server: Server) -> str:
    """The kernel that runs, and has ever since the installation."""
    return server.run("uname", "-r").strip()


def test_one_without_the_cards_driver_is_refused_by_name(server, old):
    bad_kernels.see_it_refused(server, old)


def test_one_that_panics_once_root_is_mounted(server, old):
    server.shell(bad_kernels.PANIC)
    place = server.trial(f"{old}-bad")
    server.unlock()
    server.wait_said(place, "Kernel panic")
    told = server.see_it_back(place, old)
    assert told["last_trial"]["version"] == f"{old}-bad"
    assert told["last_trial"]["reason"].startswith("it died after root was opened")


def test_one_that_nobody_unlocks(server, old, play):
    place = server.trial(f"{old}-bad", f"--unlock={UNLOCK_S}")
    server.wait_said(place, f"nobody unlocked it within {UNLOCK_S} s")
    told = server.see_it_back(place, old)
    assert told["last_trial"]["reason"] == "nobody unlocked it within the time limit"
    shown = " ".join(play("playbooks/status.yml").stdout.split())
    assert f"kernel {old}-bad was given up: nobody unlocked it" in shown
