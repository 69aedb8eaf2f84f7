"""Out of memory, where the kernel holds a limit: it is named as that, and the host's boot keeps the order."""

import json
import time

NAME = "hungry"
HOG = "import time; time.sleep(1); found = [bytearray(1 << 20) for _ in range(500)]"


def test_out_of_memory_is_named_with_its_limit(host, hello):
    host.run(f"skerry delete {NAME}")
    try:
        create = f"skerry create {NAME} --image={hello} --memory=64M --restart=never --wait=running"
        host.check_output(f"{create} -- /usr/bin/python3 -I -S -c '{HOG}'")
        deadline = time.monotonic() + 30
        while (found := json.loads(host.check_output(f"skerry info {NAME} --json"))["container"])[
            "state"
        ] != "failed":
            assert time.monotonic() < deadline, found
            time.sleep(0.3)
        assert (found["exit_status"], found["exit_reason"]) == (137, "out of memory at limit 64M")
        assert "failed (out of memory at limit 64M)" in host.check_output("skerry list")
        assert "out of memory at limit 64M" in host.check_output("skerry operations")
    finally:
        host.run(f"skerry delete {NAME}")
