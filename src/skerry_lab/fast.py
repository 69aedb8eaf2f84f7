"""The fast lab: Debian with its own systemd in systemd-nspawn."""

import os
import signal
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import read_text
from skerry_base.core.run import tail
from skerry_lab import cgroups, images, launch
from skerry_lab.fast_stage import StageSpec
from skerry_lab.identity import make_identity, write_below
from skerry_lab.process import ProcessIdentity, children
from skerry_lab.recipe import Flavour
from skerry_lab.state import Lab

LOGIN_S = 60
_POWER_OFF_S = 8


@dataclass(frozen=True)
class FastMachine:
    """Starts and stops a lab of kind `fast`."""

    cache: Cache

    def prepare(self, flavour: Flavour) -> None:
        """Make the Debian root."""
        images.tree(self.cache, flavour)

    def start(self, lab: Lab) -> None:
        """Boot it and wait until it lets root in.

        Raises:
            SkerryError: it did not come up; the message carries what it said.
        """
        lower = images.tree(self.cache, lab.flavour)
        with self.cache.progress.stage(f"lab {lab.name}: boot"):
            write_below(lab.home / "upper", make_identity(lab))
            for folder in ("work", "root"):
                (lab.home / folder).mkdir()
            process = _launch(lab, StageSpec(lab.name, str(lower), lab.forward, _devices()))
            try:
                lab.login.wait(LOGIN_S, process.alive)
            except SkerryError as error:
                raise SkerryError(f"{error}\n{tail(read_text(lab.console_log))}") from error

    def stop(self, lab: Lab) -> None:
        """End it: politely first, so that it lets go of loop devices, then for sure."""
        process = lab.process()
        if process is None or not process.alive():
            return
        machines = [ProcessIdentity.of(nspawn) for nspawn in children(process.pid)]
        for nspawn in machines:
            os.kill(nspawn.pid, signal.SIGTERM)
        if not process.wait_gone(_POWER_OFF_S):
            process.kill()
        for nspawn in machines:
            nspawn.kill()  # its end is the end of the whole process namespace, and of its mounts
        cgroups.forget(lab.alias)

    def console(self, lab: Lab) -> list[str]:
        """The command that opens a root shell without the network."""
        return ["nsenter", "--all", "--target", str(self._init(lab)), "/bin/bash", "--login"]

    def logs(self, lab: Lab) -> list[str]:
        """The command that shows the machine's journal."""
        inside = ["nsenter", "--all", "--target", str(self._init(lab))]
        return [*inside, "journalctl", "--boot", "--no-pager"]

    def _init(self, lab: Lab) -> int:
        """The machine's first process: launcher → systemd-nspawn → (its helpers and) init."""
        process = lab.process()
        if process is not None and process.alive():
            for nspawn in children(process.pid):
                for child in children(nspawn):
                    if Path(f"/proc/{child}/comm").read_text(encoding="ascii").strip() == "systemd":
                        return child
        raise SkerryError(f"lab {lab.name} is not running; `lab up {lab.name}` starts it")


def _launch(lab: Lab, spec: StageSpec) -> ProcessIdentity:
    argv = [sys.executable, "-m", "skerry_lab.fast_stage", "outside", spec.to_json()]
    if Path("/run/systemd/system").is_dir():
        scope = ["systemd-run", "--scope", "--quiet", "--collect", "--property=Delegate=yes"]
        scope.append(f"--description=Skerry lab {lab.name}")
        argv = [*scope, f"--unit={lab.alias}-{uuid.uuid4().hex[:8]}", *argv]
    return launch.start(argv, lab.home, lab.console_log)


def _devices() -> list[str]:
    """FUSE for lxcfs, and the loop devices for the platform's storage pool."""
    loops = sorted(Path("/dev").glob("loop[0-9]*"))
    wanted = [Path("/dev/fuse"), Path("/dev/net/tun"), Path("/dev/loop-control"), *loops]
    return [str(path) for path in wanted if path.exists()]
