"""A container's fences on a machine that boots: the kernel's own figures, and what a prisoner can do about them."""

import json

import pytest

from tests.integration import walls

MIB = 1024**2
LIMITS = {"memory.max": 128 * MIB, "memory.swap.max": 0, "cpu.max": 0.5, "pids.max": 64}  # prison.py's


@pytest.fixture(scope="module")
def report(hello, on_host):
    done = on_host("prison.py", "who", "syscalls", "families", "fill", "inodes", "forks", "hog")
    assert done.rc == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def number(text):
    parts = text.split()
    if not parts or parts[0] == "max":
        return float("inf")
    return int(parts[0]) / int(parts[1]) if len(parts) == 2 else int(parts[0])


@pytest.mark.parametrize(("name", "limit"), LIMITS.items())
def test_the_limit_holds_the_containers_own_init(report, name, limit):
    found = report["host"]["limits"][name]
    assert min(map(number, found)) == limit, found


def test_a_memory_hog_dies_alone(report):
    assert report["hog"]["signal"] == 9
    assert report["host"]["oom_kill"] >= 1
    assert report["neighbour"]["oom_kill"] == 0
    assert report["host"]["alive"]
    assert report["neighbour_answers"]


def test_a_fork_bomb_ends_at_its_fence(report):
    assert report["forks"]["problem"] == "Resource temporarily unavailable"
    assert 40 < report["forks"]["forked"] < 64
    assert report["host"]["pids_max_hit"] >= 1
    assert report["neighbour"]["pids_max_hit"] == 0


def test_apparmor_is_in_force(report):
    assert report["who"]["apparmor"] == "lxc-skerry-app (enforce)"


def test_root_inside_is_nobody_outside(report):
    walls.check_identity(report)


def test_dangerous_calls_are_refused_and_unknown_ones_unknown(report):
    walls.check_syscalls(report)
    walls.check_families(report)


def test_the_disk_ends_at_its_limit(report):
    walls.check_disk(report, 64 * MIB)


def test_no_two_files_share_an_inode(report):
    walls.check_inodes(report)
