"""The life of one program in a container, on a lab's host: it starts, answers, idles, keeps its data, stops.

Reads what the program is (declared.py) from standard input, and prints what was seen as JSON. Exit code 1: it came to no
good end, and what it logged is on standard error.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from skerry.client import EngineClient, EngineError

IDLE = 3.0  # seconds that it is left alone before its memory is measured
_PAUSE = 0.02
# include/uapi/linux/capability.h
_BITS = {
    "chown": 0,
    "dac_override": 1,
    "fowner": 3,
    "fsetid": 4,
    "kill": 5,
    "setgid": 6,
    "setuid": 7,
    "net_bind_service": 10,
}
Said = dict[str, Any]


class Life:
    """One container, named as its program."""

    def __init__(self, said: Said) -> None:
        self.said, self.name, self.engine = said, said["name"], EngineClient()
        self.key = {"name": self.name}
        self.made: Said = {}

    def ask(self, verb: str, **fields: Any) -> Said:
        """One request about the container."""
        return self.engine.call(verb, container=self.key, **fields)

    def clear(self) -> None:
        """Take away what is there of it."""
        for verb, fields in (("delete", {"container": self.key}), ("volume_delete", {"volume": self.key})):
            try:
                self.engine.call(verb, **fields)
            except EngineError as error:
                if error.code != "not_found":
                    raise

    def create(self) -> float:
        """Make the container with what the program asks for and no more; seconds until it answered."""
        said = self.said
        spec = {"image": f"p-{self.name}", "capabilities": said["capabilities"], "memory": said["memory"]}
        if said["volume"]:
            self.engine.call("volume_create", volume=self.key, size="1G")
            spec["volumes"] = [{"volume": self.name, "path": said["volume"]}]
        begun = time.monotonic()
        self.made = self.ask("create", spec=spec, wait="running")["after"]
        self.answers()
        return time.monotonic() - begun

    def answers(self) -> None:
        """Wait until it answers as it should in each way that is declared.

        Raises:
            TimeoutError: it did not.
        """
        deadline = time.monotonic() + self.said["patience"]
        for how in ("url", "tcp", "inside"):
            if wanted := self.said[how]:
                while wanted["says"] not in (heard := getattr(self, how)(wanted)):
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{how} {wanted} was answered with: {heard!r}")
                    time.sleep(_PAUSE)

    def url(self, wanted: Said) -> str:
        """A page, by the container's URL and the proxy."""
        url = self.made["url"].rstrip("/") + wanted["path"]
        return output("curl", "-sk", "--max-time", "5", "--connect-to", "::127.0.0.1:443", url)

    def tcp(self, wanted: Said) -> str:
        """What comes back on a connection to its port."""
        try:
            address = (self.made["ipv4"], self.said["ports"][0])
            with socket.create_connection(address, timeout=2) as connection:
                connection.sendall(wanted["send"].encode())
                return connection.recv(4096).decode("latin-1")
        except OSError as error:
            return str(error)

    def inside(self, wanted: Said) -> str:
        """What a program says that is run in the container."""
        user = ["-u", wanted["user"]] if "user" in wanted else []
        return output("skerry", "exec", self.name, *user, "--", *wanted["command"])

    def data(self, command: Sequence[str]) -> str:
        """What a program says that is run as the one that asks inside."""
        return self.inside({**self.said["inside"], "command": command})

    def change_image(self) -> str:
        """Keep data on the volume, change the image in place, and wait for the answer; what is there of the data."""
        self.data(self.said["write"])
        after = self.ask("update", spec={"image": f"p-{self.name}-next"}, discard_root=True, wait="running")[
            "after"
        ]
        assert after["url"] == self.made["url"], (self.made["url"], after["url"])
        self.answers()
        assert self.inside({"command": ["printenv", "VERSION"]}).strip() == "2", "it runs on the old image"
        return self.data(self.said["read"]).strip()

    def end(self) -> Said:
        """End it as a shutdown of the host does: by its stop signal; how long that took, and its exit code."""
        begun = time.monotonic()
        subprocess.run(["systemctl", "stop", f"skerry-{self.made['id']}.service"], check=True)
        took = time.monotonic() - begun
        code, _ = Path(f"/run/skerry/c/{self.made['id']}/ended").read_text().split()
        return {"end": took, "code": int(code)}

    def stop(self) -> float:
        """Stop it as a user does; how long that took."""
        begun = time.monotonic()
        self.ask("stop")
        return time.monotonic() - begun

    def log(self) -> str:
        """What it wrote."""
        return output("skerry", "logs", self.name, "--lines", "200")


def output(*argv: str) -> str:
    """What a program says, on both of its streams, whatever its end."""
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout.decode(errors="replace")


def processes(container: str) -> Iterator[int]:
    """The processes of a container, its init first."""
    (group,) = Path("/sys/fs/cgroup/skerry.slice").rglob(f"lxc.payload.{container}")
    for file in (group / "cgroup.procs", *group.rglob("*/cgroup.procs")):
        yield from map(int, file.read_text().split())


def seen(container: str) -> Said:
    """What the kernel says of its processes: memory in KiB, users, capabilities at most.

    Memory is PSS: of a page that several processes have, each has its part. Hosts without a memory controller count it too.
    """
    pids = list(processes(container))
    base = int(Path(f"/proc/{pids[0]}/uid_map").read_text().split()[1])
    names = {}
    for line in (
        Path(f"/proc/{pids[0]}/root/etc/passwd").read_text().splitlines() if has_users(pids[0]) else ()
    ):
        name, _, number, *_ = line.split(":")
        names[int(number)] = name
    memory = {"Pss": 0, "Pss_Anon": 0}
    users = set()
    for pid in pids:
        users.add(names.get(own := uid(pid) - base, str(own)))
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
            key, value = line.split(":")
            if key in memory:
                memory[key] += int(value.split()[0])
    bounding = int(status(pids[0], "CapBnd"), 16)
    return {
        "pss": memory["Pss"],
        "anonymous": memory["Pss_Anon"],
        "processes": len(pids),
        "users": sorted(users),
        "bounding": sorted(name for name, bit in _BITS.items() if bounding >> bit & 1),
        "others": bounding & ~sum(1 << bit for bit in _BITS.values()),
    }


def status(pid: int, name: str) -> str:
    """The first word of a line of its status."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(line for line in lines if line.startswith(f"{name}:")).split()[1]


def uid(pid: int) -> int:
    """Its user, as the host counts."""
    return int(status(pid, "Uid"))


def has_users(pid: int) -> bool:
    """Whether its image knows users at all."""
    return Path(f"/proc/{pid}/root/etc/passwd").exists()


def main() -> int:
    """Live it."""
    life = Life(json.load(sys.stdin))
    life.clear()
    try:
        report: Said = {"start": life.create()}
        time.sleep(IDLE)
        report |= seen(life.made["id"])
        report |= life.end()
        life.ask("start", wait="running")
        life.answers()
        if life.said["write"]:
            report["kept"] = life.change_image()
        report["stop"] = life.stop()
        report["log"] = life.log()[-1500:]
    except (EngineError, TimeoutError, AssertionError) as error:
        print(
            f"{type(error).__name__}: {error} {getattr(error, 'journal', '')}\n{life.log()[-4000:]}",
            file=sys.stderr,
        )
        return 1
    finally:
        life.clear()
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main())
