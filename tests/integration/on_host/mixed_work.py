"""Changes of every sort, several at a time, for as long as the host runs. Runs on the host, as root.

``python3 mixed_work.py SEED WORKERS`` prints a line of JSON before each change and after it: the worker, the change, and
what is true of its container then. Each worker has names of its own, so what one prints in the end is what must be there.
"""

import json
import random
import subprocess
import sys
import threading

MOST = 3  # containers of a worker
MEMORIES = ("32M", "48M", "64M")


class Worker(threading.Thread):
    """Changes its own containers, one after another, each chosen by chance."""

    def __init__(self, number: int, seed: str, found: dict) -> None:
        super().__init__(daemon=True)
        self._number, self._choose = number, random.Random(f"{seed} {number}")
        self._mine = {name: one for name, one in found.items() if name.startswith(f"cut-{number}-")}

    def run(self) -> None:
        while True:
            self._change(*self._next())

    def _next(self) -> tuple[str, dict | None, list[str]]:
        """The name of a container, what is true of it after a change, and the words of that change."""
        choose = self._choose
        if len(self._mine) < MOST and (not self._mine or choose.random() < 0.4):
            name = f"cut-{self._number}-{choose.randrange(10**6):06}"
            words = ["create", name, "--image=hello", "--memory=32M", "--wait=running"]
            return name, {"state": "running", "memory": "32M", "snapshots": []}, words
        name = choose.choice(sorted(self._mine))
        now = self._mine[name]
        snapshot = f"s{len(now['snapshots']) + 1:02}"
        memory = choose.choice([one for one in MEMORIES if one != now["memory"]])
        stopped, started = now | {"state": "stopped"}, now | {"state": "running"}
        ways: list[tuple[dict | None, list[str]]] = [
            (now | {"memory": memory}, ["update", name, f"--memory={memory}"]),
            (now | {"snapshots": [*now["snapshots"], snapshot]}, ["snapshot", "create", name, snapshot]),
            (stopped, ["stop", name]) if now["state"] == "running" else (started, ["start", name]),
            (None, ["delete", name]),
        ]
        if now["state"] == "running":
            ways.append((now, ["restart", name]))
        return (name, *choose.choice(ways))

    def _change(self, name: str, after: dict | None, words: list[str]) -> None:
        said = {"worker": self._number, "name": name, "after": after, "words": words}
        say({"begun": said})
        done = subprocess.run(["skerry", *words], check=False, capture_output=True, text=True)
        if done.returncode != 0:
            say({"failed": said, "said": done.stderr})
            return
        say({"done": said})
        if after is None:
            self._mine.pop(name, None)
        else:
            self._mine[name] = after


def say(what: dict) -> None:
    """One line, whole, at once."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main(seed: str, workers: str) -> None:
    found = json.load(sys.stdin)
    threads = [Worker(number, seed, found) for number in range(int(workers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
