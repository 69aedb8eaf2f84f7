"""A pool, or a state store, that is full when a container is created. Runs on the host, as root.

``python3 full_disk.py pool|state`` gives the engine a tiny one of that sort, fills it, creates, makes room, creates again,
fills it, copies, and puts everything back. Prints one line of JSON: what was said, and what was left.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

STATE, POOL = Path("/var/lib/skerry"), Path("/var/lib/skerry/pool")
WORK = Path("/run/full-disk")
DROP_IN = Path("/run/systemd/system/skerry-engine.service.d/full.conf")


def run(*argv: object, check: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(list(map(str, argv)), check=check, capture_output=True, text=True)


def fill(folder: Path) -> list[Path]:
    """Write until nothing goes in any more, first in large pieces, then in small ones."""
    made = []
    for size in (1 << 20, 1 << 12, 1 << 8):
        path = folder / f"filler-{size}"
        made.append(path)
        try:
            with path.open("wb", buffering=0) as file:
                while file.write(b"x" * size) == size:
                    pass
        except OSError:
            continue
    return made


def empty(fillers: list[Path]) -> None:
    """Make room again."""
    for path in fillers:
        path.unlink(missing_ok=True)


def tiny_pool() -> None:
    """A btrfs of 64 MiB whose data and metadata share their space, so that full means full."""
    image, pool = WORK / "pool.img", WORK / "pool"
    pool.mkdir()
    with image.open("wb") as file:
        file.truncate(64 << 20)
    run("mkfs.btrfs", "--quiet", "--mixed", image)
    run("mount", "-o", "loop", image, pool)
    run("btrfs", "quota", "enable", "--simple", pool)
    for name in ("c", "images"):
        (pool / name).mkdir()
    run("mount", "-o", "bind,ro", POOL / "images", pool / "images")  # those that the host has


def tiny_state() -> None:
    """A file system of 8 MiB with a copy of the store in it."""
    state = WORK / "state"
    state.mkdir()
    run("mount", "-t", "tmpfs", "-o", "size=8m,mode=0711", "tmpfs", state)
    for path in STATE.glob("*"):
        if path.is_file() and "pool" not in path.name:
            shutil.copy(path, state)


def give_engine(option: str, folder: Path) -> None:
    """Let the engine use ``folder`` as its pool or state."""
    config = WORK / "engine.toml"
    config.write_text(Path("/etc/skerry/engine.toml").read_text() + f'{option} = "{folder}"\n')
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text(f"[Service]\nEnvironment=SKERRY_CONFIG={config}\n")
    run("systemctl", "daemon-reload")
    run("systemctl", "start", "skerry-engine.service")


def ask(*words: str) -> dict:
    done = run("skerry", *words, check=False)
    return {"code": done.returncode, "stderr": done.stderr}


def create() -> dict:
    return ask("create", "nospace", "--image=hello", "--disk=16M")


def main(option: str) -> int:
    WORK.mkdir()
    folder = WORK / option
    run("systemctl", "stop", "skerry-engine.service")
    try:
        tiny_pool() if option == "pool" else tiny_state()
        give_engine(option, folder)
        fillers = fill(folder)
        report = {"full": create(), "listed": run("skerry", "list").stdout}
        empty(fillers)
        report["after"] = create()
        fillers = fill(folder)
        report["copy"] = ask("copy", "nospace", "no-copy", "--no-start")
        report["listed"] += run("skerry", "list").stdout.replace("nospace", "the first")
        empty(fillers)
        report["delete"] = run("skerry", "delete", "nospace", check=False).returncode
        report["left"] = [path.name for path in (folder / "c").glob("*")]
    finally:
        run("systemctl", "stop", "skerry-engine.service")
        DROP_IN.unlink(missing_ok=True)
        run("systemctl", "daemon-reload")
        run("umount", "--recursive", folder, check=False)
        shutil.rmtree(WORK)
        run("systemctl", "start", "skerry-engine.service")
    print(json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
