"""The kernel that was on trial has proven itself: it runs, it is the default, and the one before it is still there."""

import json
from typing import Any

import pytest
from testinfra.host import Host

MIB = 1024**2


@pytest.fixture(scope="module")
def told(host: Host) -> dict[str, Any]:
    """What the machine says of its kernels."""
    answer: dict[str, Any] = json.loads(host.check_output("skerry-boot status --json"))
    return answer


@pytest.fixture(scope="module")
def tried(host: Host) -> str:
    """The kernel that converge.yml named."""
    return host.check_output("ls /boot/vmlinuz-*+deb* | tail -n 1").removeprefix("/boot/vmlinuz-")


def test_it_runs_and_was_started_on_trial(host: Host, tried: str) -> None:
    assert host.check_output("uname -r") == tried
    words = host.check_output("cat /proc/cmdline").split()
    assert f"BOOT_IMAGE=/vmlinuz-{tried}" in words
    assert any(word.startswith("skerry.trial") for word in words)


def test_it_has_proven_itself_and_is_the_default(told: dict[str, Any], tried: str) -> None:
    kernels = told["kernels"]
    assert told["kernel"] == kernels["default"] == kernels["last_trial"]["version"] == tried
    assert kernels["last_trial"]["proven"]
    assert tried in kernels["proven"]
    assert (kernels["trial"], kernels["failed"]) == ("", {})


def test_no_trial_is_under_way(host: Host) -> None:
    assert "next_entry=skerry-trial" not in host.check_output("cat /boot*/grub/grubenv")
    assert not host.service("skerry-trial.service").is_running


def test_grub_starts_it_first(host: Host, tried: str) -> None:
    first = host.check_output(r"grep -m 1 -oE '^\s*linux\s+\S+' /boot/grub/grub.cfg").split()[1]
    assert first == f"/vmlinuz-{tried}"


def test_the_one_before_it_is_the_fallback(host: Host, told: dict[str, Any], tried: str) -> None:
    others = set(told["kernels"]["proven"]) - {tried}
    assert others
    menu = host.check_output("cat /boot/grub/grub.cfg")
    for other in others:
        assert f"/vmlinuz-{other} " in menu
        assert host.file(f"/lib/modules/{other}/modules.dep").exists


def test_each_can_be_unlocked_and_boot_has_room_for_one_more(host: Host) -> None:
    images = host.check_output("ls /boot/initrd.img-*").split()
    said = host.check_output("skerry-boot check")
    assert "good: " in said
    assert all(image.removeprefix("/boot/") in said for image in images), said
    largest = max(host.file(image).size for image in images)
    assert int(host.check_output("df --output=avail --block-size=1 /boot | tail -n 1")) > largest + 20 * MIB
