"""A whole Debian on a machine that boots: AppArmor in force, its limits in the kernel, nothing failed, both ways down."""

import json
from pathlib import Path

import pytest

from tests.integration.playbooks import play

NAME, IMAGE = "whole", "debian"
SECONDS = 240  # until it is up, under full emulation
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def whole(host, lab):
    play(lab, "playbooks/image/import.yml", "-e", f"image={IMAGE}").ok()
    host.run(f"skerry delete {NAME}")
    host.check_output(
        f"skerry create {NAME} --image={IMAGE} --profile=system --memory=256M --pids=200 --wait=ready --timeout={SECONDS}"
    )
    yield info(host)
    host.run(f"skerry delete {NAME}")


def info(host):
    return json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]


def inside(host, command):
    done = host.run(f"skerry exec {NAME} -- {command}")
    return done.stdout.strip()


def test_it_runs_and_no_unit_has_failed(host, whole):
    assert inside(host, "systemctl --failed --no-legend --plain") == ""
    assert inside(host, "systemctl is-system-running") == "running"


def test_apparmor_is_in_force_for_its_init_and_for_what_comes_in(host, whole):
    assert inside(host, "cat /proc/1/attr/current") == "lxc-skerry-system (enforce)"
    assert inside(host, "cat /proc/self/attr/current") == "lxc-skerry-system (enforce)"
    assert inside(host, "mount -t proc proc /mnt") == ""
    assert host.run(f"skerry exec {NAME} -- sh -c 'echo h >/mnt/sysrq-trigger'").rc != 0


def test_its_limits_hold_all_of_it(host, whole):
    group = host.check_output(f"systemctl show -P ControlGroup skerry-{whole['id']}.service")
    assert host.check_output(f"cat /sys/fs/cgroup{group}/memory.max") == str(256 * 1024**2)
    assert host.check_output(f"cat /sys/fs/cgroup{group}/pids.max") == "200"
    assert "memory" in inside(host, "cat /sys/fs/cgroup/cgroup.controllers")
    assert "pids" in inside(host, "cat /sys/fs/cgroup/system.slice/cgroup.controllers")


def test_it_stops_by_itself_within_its_grace(host, whole):
    host.check_output(f"skerry stop {NAME} --grace 120")
    log = host.check_output(f"skerry logs {NAME}")
    assert "did not end" not in log
    assert info(host)["state"] == "stopped"
