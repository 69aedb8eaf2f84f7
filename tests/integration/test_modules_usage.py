"""What containers use of their limits, by the command and by the module; memory promised far beyond what is there."""

import json
from pathlib import Path

from testinfra.host import Host

from tests.integration.modules import Call, call

NAME = "used"


def test_stats_tell_what_a_container_uses(lab: str, hello: str, host: Host, tmp_path: Path) -> None:
    host.run(f"skerry delete {NAME}")
    busy = "/usr/bin/python3 -c 'while 1: pass'"
    try:
        host.check_output(f"skerry create {NAME} --image {hello} --cpu 0.5 --wait running -- {busy}")
        every = json.loads(host.check_output("skerry stats --interval 2 --json"))["stats"]
        (one,) = [one for one in every if one["name"] == NAME]
        assert 0.05 < one["cpu_used"] < 1.2
        assert (one["cpu"], one["memory"], one["disk"]) == (0.5, 256 * 1024**2, 1024**3)
        assert 0 <= one["disk_used"] < 1024**2
        assert one["received_per_second"] is not None
        shown = host.check_output("skerry top").splitlines()  # no terminal: once
        assert shown[0].split() == ["NAME", "PROJECT", "STATE", "CPU", "MEMORY", "PIDS", "DISK", "IN", "OUT"]
        assert shown[1].split()[0] == NAME  # the busiest
        (answer,) = call(lab, tmp_path, Call({"name": NAME, "stats": True}, module="skerry_container_info"))
        assert answer["containers"][0]["stats"]["cpu_used"] > 0.05
        host.check_output(f"skerry stop {NAME} --grace 0")
        every = json.loads(host.check_output("skerry stats --interval 0.1 --json"))["stats"]
        (one,) = [one for one in every if one["name"] == NAME]
        assert (one["state"], one["cpu_used"], one["memory_used"]) == ("stopped", None, None)
    finally:
        host.run(f"skerry delete {NAME}")


def test_memory_far_beyond_what_is_there_is_refused(hello: str, host: Host) -> None:
    room = json.loads(host.check_output("skerry status --json"))["memory_for_containers"]
    names = [f"much-{number}" for number in range(5)]
    made = [
        host.run(f"skerry create {name} --image {hello} --memory {room // 1024**2 - 1}M --wait running")
        for name in names
    ]
    try:
        assert [one.rc for one in made] == [0, 0, 0, 0, 6]
        assert "warning: memory: promised" in made[1].stderr
        assert "more than 4 times what there is" in made[4].stderr
        assert host.run(f"skerry info {names[4]}").rc == 3
    finally:
        for name in names:
            host.run(f"skerry delete {name}")
