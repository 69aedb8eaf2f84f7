"""Programs started in a container from outside, on a machine that boots: the same walls and limits; an isolated port."""

import json
import time

import pytest

NAME, NEIGHBOUR = "entered", "beside"
STATUS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Uid", "Gid")
HOG = "found = [bytearray(1 << 20) for _ in range(500)]"
FORKS = """
import os, time
count = 0
try:
    while count < 200:
        if not os.fork():
            time.sleep(5)
            os._exit(0)
        count += 1
except OSError as error:
    print(error.strerror, count)
"""


@pytest.fixture(scope="module")
def entered(host, hello):
    """A container, and one beside it."""
    for name in (NAME, NEIGHBOUR):
        host.run(f"skerry delete {name}")
        host.check_output(f"skerry create {name} --image={hello} --memory=96M --pids=64 --wait=ready")
    yield info(host, NAME)
    for name in (NAME, NEIGHBOUR):
        host.run(f"skerry delete {name}")


def info(host, name):
    return json.loads(host.check_output(f"skerry info {name} --json"))["container"]


def first_process(host, container):
    return host.check_output(f"systemctl show -P MainPID skerry-{container['id']}.service")


def kills(host, container):
    """How often the kernel killed in its cgroup because of its memory limit."""
    group = host.check_output(f"systemctl show -P ControlGroup skerry-{container['id']}.service")
    said = host.check_output(f"cat /sys/fs/cgroup{group}/memory.events")
    return int(dict(line.split() for line in said.splitlines())["oom_kill"])


def python(host, script):
    return host.run(f"skerry exec {NAME} -- /usr/bin/python3 -I -S -c '{script}'")


def test_it_has_the_profile_the_filter_and_the_capabilities_of_the_first_program(host, entered):
    first = host.check_output(f"skerry exec {NAME} -- cat /proc/1/attr/current /proc/1/status").splitlines()
    own = host.check_output(
        f"skerry exec {NAME} -- cat /proc/self/attr/current /proc/self/status"
    ).splitlines()
    assert own[0] == first[0] == "lxc-skerry-app (enforce)"
    one, other = ([line for line in lines if line.partition(":")[0] in STATUS] for lines in (own, first))
    assert one == other
    assert {"Seccomp:\t2", "NoNewPrivs:\t1", f"CapBnd:\t{'0' * 16}", f"CapEff:\t{'0' * 16}"} <= set(one)


def test_a_hog_from_outside_dies_at_the_containers_limit(host, entered):
    beside, before = info(host, NEIGHBOUR), kills(host, entered)
    assert python(host, HOG).rc == 137
    assert kills(host, entered) > before
    assert kills(host, beside) == 0
    assert first_process(host, beside) == first_process(host, info(host, NEIGHBOUR))


def test_forks_from_outside_end_at_the_containers_limit(host, entered):
    deadline = time.monotonic() + 20
    while info(host, NAME)["state"] != "running":
        assert time.monotonic() < deadline, info(host, NAME)
        time.sleep(0.2)
    said = python(host, FORKS)
    reason, _, count = said.stdout.strip().rpartition(" ")
    assert reason == "Resource temporarily unavailable", said.stderr
    assert 20 < int(count) < 64


@pytest.mark.parametrize(
    "again", ["skerry restart entered --grace=1", "systemctl restart {unit}", "kill -9 {pid}"]
)
def test_every_kind_of_restart_keeps_the_port_isolated(host, entered, again):
    old = first_process(host, entered)
    host.check_output(again.format(unit=f"skerry-{entered['id']}.service", pid=old))
    deadline = time.monotonic() + 20
    while first_process(host, entered) in {old, "0"} or info(host, NAME)["state"] != "running":
        assert time.monotonic() < deadline, info(host, NAME)
        time.sleep(0.2)
    ports = host.check_output("cat /sys/class/net/sk*/brport/isolated").split()
    assert set(ports) == {"1"}
    assert len(ports) >= 2
