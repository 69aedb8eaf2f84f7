"""A turn of creates and deletes by the engine of this host, whatever its version.

``python3 turn.py ROUNDS WARM_UP`` runs on the host, as root, and prints one line of JSON: milliseconds, by what was done,
and those of the engine's own steps. It speaks by the host's own ``skerry.client``, so that each engine is asked in its own
protocol, and imports nothing else that another version may not have.
"""

import collections
import json
import sys
import time
from typing import Any

from skerry.client import EngineClient

IMAGE = "hello"
Milliseconds = dict[str, list[float]]


def ask(into: Milliseconds, what: str, verb: str, **args: Any) -> None:
    """One request, how long it took, and how long each of its steps."""
    started = time.perf_counter()
    answer = EngineClient().call(verb, **args)
    whole = (time.perf_counter() - started) * 1000
    into[what].append(whole)
    plan, (timings,) = answer["plans"][0], answer["timings_ms"]
    for title, milliseconds in zip(plan["steps"], timings, strict=True):
        into[f"{verb}: {' '.join(title.split()[:2])}"].append(milliseconds)
    into[f"{verb}: all else"].append(whole - sum(timings))


def main(rounds: int, warm_up: int) -> int:
    into: Milliseconds = collections.defaultdict(list)
    for number in range(-warm_up, rounds):
        if number == 0:
            into.clear()
        key = {"name": f"turn-{number + warm_up}"}
        spec = {"image": IMAGE}
        ask(into, "create → running", "create", container=key, spec=spec, wait="running")
        ask(into, "delete → answer", "delete", container=key)
    print(json.dumps({"milliseconds": into}))
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
