"""End the engine after every effect and every journal step of every verb, and look at what becomes of it.

Runs on the host, as root: ``python3 crash_sweep.py``. Prints a line a point and a summary; ends with 1 at any problem.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import leftovers

from skerry.client import EngineClient, EngineError

HERE = Path(__file__).resolve().parent
POINT = Path("/run/skerry-crash/point.json")
DROP_IN = Path("/run/systemd/system/skerry-engine.service.d/crash.conf")
KEY = {"name": "crash"}
SPEC = {"image": "hello", "services": [{"name": "admin", "port": 1071}]}
CHANGES = {"memory": "192M", "disk": "2G", "services": [{"name": "other", "port": 1072}]}


def call(verb: str, **arguments: object) -> dict:
    return EngineClient(timeout=60).call(verb, **arguments)


def quiet(verb: str, **arguments: object) -> None:
    try:
        call(verb, container=KEY, **arguments)
    except EngineError as error:
        if error.code != "not_found":
            raise


def absent() -> None:
    quiet("delete")


def stopped() -> None:
    absent()
    call("create", container=KEY, spec=SPEC, start=False)


def started() -> None:
    absent()
    call("create", container=KEY, spec=SPEC)


VERBS: dict[str, tuple[Callable[[], None], dict]] = {
    "create": (absent, {"spec": SPEC}),
    "start": (stopped, {}),
    "stop": (started, {"grace": 1}),
    "restart": (started, {"grace": 1}),
    "update": (started, {"spec": CHANGES}),
    "delete": (started, {}),
}


def restart_engine() -> None:
    subprocess.run(["systemctl", "restart", "skerry-engine.service"], check=True)


def points(verb: str, arguments: dict) -> Iterator[dict]:
    """The points at which the engine can die in this verb: found by asking for its plan."""
    plan = call("plan", of={"verb": verb, "container": KEY, **arguments})["plans"][0]
    yield {"where": "begun"}
    for number in range(1, len(plan["steps"]) + 1):
        yield {"where": "done", "step": number, "title": plan["steps"][number - 1]}
        yield {"where": "marked", "step": number, "title": plan["steps"][number - 1]}
    yield {"where": "closed"}


def crash(verb: str, arguments: dict, point: dict) -> str:
    """Let the engine die at ``point`` of ``verb``; returns how the operation ended up."""
    POINT.with_suffix(".new").write_text(json.dumps(point))
    POINT.with_suffix(".new").rename(POINT)
    try:
        call(verb, container=KEY, **arguments)
    except EngineError as error:
        if POINT.exists():
            return f"REFUSED INSTEAD: {error}"
    else:
        return "THE ENGINE DID NOT DIE"
    wait_for_engine()
    newest = call("operations", count=1)["operations"][0]
    return newest["state"] if newest["verb"] == verb else f"THE NEWEST OPERATION IS {newest['verb']}"


def wait_for_engine() -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            call("status")
        except EngineError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def problems() -> list[str]:
    deadline = time.monotonic() + 60
    while (found := list(leftovers.differences())) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def main() -> int:
    POINT.parent.mkdir(exist_ok=True)
    POINT.unlink(missing_ok=True)
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text(
        "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestartSec=0\nReadWritePaths=/run/skerry-crash\nExecStart=\n"
        f"ExecStart=/usr/bin/python3 {HERE}/crashing_engine.py\n"
    )
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    count, bad = 0, 0
    try:
        restart_engine()
        for verb, (prepare, arguments) in VERBS.items():
            prepare()
            for point in points(verb, arguments):
                prepare()
                started_at = time.monotonic()
                outcome = crash(verb, arguments, point)
                found = problems() + ([outcome] if outcome not in {"done", "undone"} else [])
                count, bad = count + 1, bad + bool(found)
                where = f"{point['where']} {point.get('step', '')} {point.get('title', '')}".strip()
                print(f"{verb:8} {outcome:7} {time.monotonic() - started_at:5.2f} s  {where}")
                for line in found:
                    print(f"    ! {line}")
                sys.stdout.flush()
    finally:
        DROP_IN.unlink()
        POINT.unlink(missing_ok=True)
        subprocess.run(["systemctl", "daemon-reload"], check=True)
        restart_engine()
        absent()
    print(f"{count} points of death in {len(VERBS)} verbs, {bad} with problems")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
