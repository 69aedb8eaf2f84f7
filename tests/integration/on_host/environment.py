"""Give containers variables that programs of the host would obey, and look who obeys. Runs on the host, as root.

``python3 environment.py IMAGE…`` prints one line of JSON: what arrived inside, which processes of the host's user
namespace carry a mark of a container's or an image's environment, and which files the loader wrote for them.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from skerry.client import EngineClient

MARK = "skerry-mark-"
# ld.so of any program that has these writes down what it loads: seen inside (the control), never on the host.
TRACE = "/srv/loader"
# What the loader, the C library, Python, shells and LXC look at before they do anything else.
OBEYED = (
    *(
        "LD_LIBRARY_PATH",
        "LD_ORIGIN_PATH",
        "GCONV_PATH",
        "LOCPATH",
        "NLSPATH",
        "HOSTALIASES",
        "RES_OPTIONS",
        "TMPDIR",
    ),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "BASH_ENV", "ENV", "IFS", "PATH", "HOME", "MALLOC_TRACE"),
    *("PYTHONINSPECT", "PYTHONBREAKPOINT", "PYTHONPLATLIBDIR", "PYTHONPYCACHEPREFIX", "GLIBC_TUNABLES"),
    *("LXC_NAME", "LXC_CONFIG_FILE", "LXC_ROOTFS_PATH", "LXC_ROOTFS_MOUNT", "LXC_LOG_LEVEL", "LXC_SRC_NAME"),
    *("NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "CREDENTIALS_DIRECTORY"),
)
_WRITE = (
    "import json,os,time;"
    "f=open('/srv/seen.new','w');json.dump({k.decode('latin-1'):v.decode('latin-1') for k,v in os.environb.items()},f);"
    "f.close();os.rename('/srv/seen.new','/srv/seen');time.sleep(3600)"
)


def hostile() -> dict[str, str]:
    """Variables that make a program do something for whoever sets them."""
    return {
        "LD_PRELOAD": f"/{MARK}preload.so",
        "LD_AUDIT": f"/{MARK}audit.so",
        "LD_DEBUG": "libs",
        "LD_DEBUG_OUTPUT": TRACE,
        **{name: f"/{MARK}{name.lower()}" for name in OBEYED},
    }


def every_byte() -> dict[str, str]:
    """Each character but zero at the beginning, inside and at the end of a value; what quotes, and what ends lines."""
    characters = [*map(chr, range(1, 256)), "\u2028", "\U0001f3dd"]
    values = {f"EACH_{ord(c)}": f"{c}{c}a{c}b {c}" for c in characters}
    hard = [
        "",
        '"',
        '""',
        "'x'",
        '"x"',
        "a=b=c",
        "# no comment",
        "$(touch /srv/ran)",
        "`id`",
        "\\",
        "\\n",
        " both ",
        "%s%n",
        "a\nlxc.hook.pre-start = /bin/touch /srv/ran",
        "a\r\nlxc.hook.start-host = /bin/touch /srv/ran\n",
        "-----BEGIN KEY-----\nabc\n-----END KEY-----\n",
    ]
    return values | {f"HARD_{number}": value for number, value in enumerate(hard)}


class Watch(threading.Thread):
    """Looks at environment and command line of every process of the host's own user namespace, all the time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.carriers: set[str] = set()
        self.looks = 0
        self.ended = False

    def run(self) -> None:
        own = os.stat("/proc/self/ns/user").st_ino
        while not self.ended:
            for folder in Path("/proc").glob("[0-9]*"):
                try:
                    if os.stat(folder / "ns/user").st_ino != own:
                        continue
                    if any(MARK.encode() in (folder / name).read_bytes() for name in ("environ", "cmdline")):
                        self.carriers.add((folder / "comm").read_text().strip())
                except (FileNotFoundError, ProcessLookupError):
                    continue
            self.looks += 1
            time.sleep(0.002)


def started(name: str, **spec: object) -> dict:
    client = EngineClient()
    client.call("ensure", container={"name": name}, state="absent")
    return client.call("create", container={"name": name}, spec=spec, wait="running")["after"]


def seen_inside(container: dict) -> dict[str, str]:
    """What its program found in its environment."""
    seen, until = Path(f"/var/lib/skerry/pool/c/{container['id']}/upper/srv/seen"), time.monotonic() + 20
    while not seen.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return {name: text.encode("latin-1").decode() for name, text in json.loads(seen.read_text()).items()}


def traces(*places: str) -> list[str]:
    """Files that a loader wrote: one a process, named after its number."""
    return sorted(str(path) for place in places for path in Path(place).parent.glob(Path(place).name + ".*"))


def main(image: str, image_with_variables: str) -> None:
    os.makedirs(Path(TRACE).parent, exist_ok=True)
    watch = Watch()
    watch.start()
    wanted = hostile() | every_byte()
    program = ["/usr/bin/python3", "-I", "-S", "-c", _WRITE, f"{MARK}argument"]
    told = started("environment", image=image, env=wanted, command=program)
    seen = seen_inside(told)
    EngineClient().call("restart", container={"name": "environment"}, wait="running")
    quiet = started("environment-of-image", image=image_with_variables)
    report = {
        "changed": {
            name: [value, seen.get(name)] for name, value in wanted.items() if seen.get(name) != value
        },
        "delivered": sum(seen.get(name) == value for name, value in wanted.items()),
        "traces_inside": len(traces(f"/var/lib/skerry/pool/c/{told['id']}/upper{TRACE}")),
        "image_runs": EngineClient().call("info", container={"name": "environment-of-image"})["container"][
            "state"
        ],
    }
    watch.ended = True
    watch.join()
    for name in ("environment", "environment-of-image"):
        EngineClient().call("delete", container={"name": name})
    report |= {"carriers": sorted(watch.carriers), "looks": watch.looks, "traces_outside": traces(TRACE)}
    print(json.dumps(report | {"image": quiet["image"]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
