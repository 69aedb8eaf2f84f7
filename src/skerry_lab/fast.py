"""The fast lab: Debian with its own systemd in systemd-nspawn."""

import os
import signal
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from skerry_lab import images, ssh
from skerry_lab.cache import Cache
from skerry_lab.errors import LabError
from skerry_lab.fast_stage import StageSpec
from skerry_lab.process import ProcessIdentity, children
from skerry_lab.run import read_text, start_detached, tail
from skerry_lab.state import Lab

LOGIN_S = 60
_POWER_OFF_S = 8
_SOURCES = Path(__file__).parent.parent


@dataclass(frozen=True)
class FastMachine:
    """Starts and stops a lab of kind `fast`."""

    cache: Cache

    def start(self, lab: Lab) -> None:
        """Boot it and wait until it lets root in.

        Raises:
            LabError: it did not come up; the message carries what it said.
        """
        lower = images.tree(self.cache, lab.kind, lab.flavour)
        with self.cache.progress.stage(f"lab {lab.name}: boot"):
            ssh.make_identity(lab)
            _prepare_upper(lab)
            ports = {lab.ports["ssh"]: 22, lab.ports["https"]: 443}
            spec = StageSpec(lab.name, str(lower), ports, _devices())
            process = _launch(lab, spec)
            try:
                ssh.wait_login(lab, LOGIN_S, process.alive)
            except LabError as error:
                raise LabError(f"{error}\n{tail(read_text(lab.console_log))}") from error

    def stop(self, lab: Lab) -> None:
        """End it: politely first, so that it lets go of loop devices, then for sure."""
        process = lab.process()
        if process is None or not process.alive():
            return
        for nspawn in children(process.pid):
            os.kill(nspawn, signal.SIGTERM)
        if not process.wait_gone(_POWER_OFF_S):
            process.kill()

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
        raise LabError(f"lab {lab.name} is not running; `lab up {lab.name}` starts it")


def _launch(lab: Lab, spec: StageSpec) -> ProcessIdentity:
    lab.console_log.unlink(missing_ok=True)
    argv = [sys.executable, "-m", "skerry_lab.fast_stage", "launch", spec.to_json()]
    if Path("/run/systemd/system").is_dir():
        scope = ["systemd-run", "--scope", "--quiet", "--collect", "--property=Delegate=yes"]
        argv = [*scope, f"--unit=skerry-lab-{lab.name}-{uuid.uuid4().hex[:8]}", *argv]
    pid = start_detached(argv, lab.console_log, cwd=lab.home, env={"PYTHONPATH": str(_SOURCES)})
    return ProcessIdentity.of(pid)


def _prepare_upper(lab: Lab) -> None:
    """The files that are this lab's own, laid over the image's."""
    for folder in ("upper", "work", "root"):
        (lab.home / folder).mkdir()
    upper = lab.home / "upper"
    upper.chmod(0o755)
    for folder, mode in (("etc", 0o755), ("etc/ssh", 0o755), ("root", 0o700), ("root/.ssh", 0o700)):
        (upper / folder).mkdir(mode=mode)
    _write(upper / "etc/machine-id", uuid.uuid4().hex + "\n", 0o444)
    _write(upper / "etc/hostname", f"{lab.name}\n", 0o644)
    _write(upper / "etc/ssh/ssh_host_ed25519_key", lab.host_key.read_text(encoding="ascii"), 0o600)
    public = lab.host_key.with_suffix(".pub").read_text(encoding="ascii")
    _write(upper / "etc/ssh/ssh_host_ed25519_key.pub", public, 0o644)
    authorized = lab.key.with_suffix(".pub").read_text(encoding="ascii")
    _write(upper / "root/.ssh/authorized_keys", authorized, 0o600)


def _write(path: Path, text: str, mode: int) -> None:
    path.touch(mode=mode)
    path.write_text(text, encoding="ascii")
    path.chmod(mode)


def _devices() -> list[str]:
    """FUSE for lxcfs, and the loop devices for the platform's storage pool."""
    loops = sorted(Path("/dev").glob("loop[0-9]*"))
    wanted = [Path("/dev/fuse"), Path("/dev/net/tun"), Path("/dev/loop-control"), *loops]
    return [str(path) for path in wanted if path.exists()]
