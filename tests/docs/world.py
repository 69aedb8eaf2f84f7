"""Where the pages are read: a copy of the working tree to clone from, and a place of its own for each reader."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.files import LOGS, ROOT

HOME = ROOT / ".cache" / "docs"
MARK = "SKERRY_DOCS_TEST"
# What the one who runs the tests has set, and a reader has not.
OURS = ("SKERRY_", "ANSIBLE_", "MAKE", "MFLAGS", "MOLECULE_", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "GIT_")


def git(*words: str) -> None:
    """Run git; without the settings of whoever runs the tests."""
    me = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null"}
    who = ["-c", "user.name=the tests", "-c", "user.email=root@localhost", "-c", "safe.directory=*"]
    done = subprocess.run(
        ["git", *who, *words], env=os.environ | me, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"git {' '.join(words)}\n{done.stdout}{done.stderr}"


@dataclass(frozen=True)
class World:
    """The folder of one run of the suite."""

    home: Path
    log: Path

    @property
    def repository(self) -> Path:
        """What readers clone: the working tree as it is, changes that are not committed as well."""
        return self.home / "repository.git"

    def snapshot(self) -> None:
        """Make it; the repository of the working tree itself is not written to."""
        git("init", "--quiet", "--bare", str(self.repository))
        tree = [f"--git-dir={self.repository}", f"--work-tree={ROOT}"]
        git(*tree, "add", "--all", str(ROOT))
        git(*tree, "commit", "--quiet", "--message=the working tree")

    def folder(self, reader: str) -> Path:
        """A reader's own folder; the clone is in it."""
        path = self.home / reader
        path.mkdir(exist_ok=True)
        return path

    def clone(self, reader: str) -> Path:
        """A reader's clone of the repository, by the name that the pages give it."""
        return self.folder(reader) / "skerry"

    def state(self, reader: str) -> Path:
        """Where a reader's labs are."""
        return self.folder(reader) / "state"

    def environment(self, reader: str) -> dict[str, str]:
        """A reader's: labs of its own, and the images of whoever runs the tests."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        tests = str(Path(sys.executable).parent)
        path = [folder for folder in kept["PATH"].split(":") if folder != tests]
        return kept | {
            "PATH": ":".join(path),
            "XDG_STATE_HOME": str(self.state(reader)),
            "TERM": "dumb",
            "NO_COLOR": "1",
            "COLUMNS": "160",
            MARK: str(self.home),
        }

    def lab(self, reader: str, *words: str) -> None:
        """Run the lab's command line on a reader's labs."""
        environment = self.environment(reader) | {"PYTHONPATH": str(ROOT / "src")}
        done = subprocess.run(
            [sys.executable, "-m", "skerry_lab", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"lab {' '.join(words)}\n{done.stdout}{done.stderr}"

    def note(self, text: str) -> None:
        """Keep what was said, for whoever wants all of it."""
        with self.log.open("a") as log:
            log.write(f"{text.rstrip()}\n\n")

    def end(self) -> None:
        """End what readers started: first their programs, then their labs."""
        for process in self._programs():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        for labs in self.home.glob("*/state/skerry/labs"):
            if names := [path.name for path in labs.iterdir()]:
                self.lab(labs.parents[2].name, "down", *names)

    def clear(self) -> None:
        """End what readers started, and take their folders away."""
        self.end()
        shutil.rmtree(self.home, ignore_errors=not self.home.exists())

    def _programs(self) -> Iterator[int]:
        """Programs that readers started. A machine, which runs in its lab's folder, is none: the lab ends it."""
        mark = f"{MARK}={self.home}".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                ours = mark in (process / "environ").read_bytes().split(b"\0")
                if ours and "/skerry/labs/" not in str((process / "cwd").readlink()):
                    yield int(process.name)


@contextmanager
def _locked() -> Iterator[World]:
    """The world, for this run alone, without what a killed run left in it; nothing is left of it afterwards."""
    HOME.parent.mkdir(exist_ok=True)
    with (HOME.parent / "docs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        world = World(HOME, LOGS / "docs-commands.log")
        world.clear()
        try:
            yield world
        finally:
            world.clear()


@contextmanager
def held() -> Iterator[World]:
    """The world, with the working tree's copy in it and nothing else."""
    with _locked() as world:
        world.home.mkdir()
        world.log.parent.mkdir(exist_ok=True)
        world.log.unlink(missing_ok=True)
        world.snapshot()
        yield world


if __name__ == "__main__":
    # What a killed run has left.
    with _locked():
        pass
