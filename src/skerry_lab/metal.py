"""The metal lab: a machine that boots, in QEMU."""

import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import digest, read_text
from skerry_base.core.run import dies_with_us, run_here, tail
from skerry_lab import disk, launch, qemu
from skerry_lab.disk import BootImage
from skerry_lab.identity import File, archive, make_identity
from skerry_lab.kvm import accelerator
from skerry_lab.ports import choose
from skerry_lab.process import ProcessIdentity
from skerry_lab.qemu import Hardware
from skerry_lab.recipe import Flavour
from skerry_lab.ssh import Login
from skerry_lab.start import start_detached
from skerry_lab.state import DEFAULT_MEMORY_MIB, Lab
from skerry_lab.tools import Tools, tools

LOGIN_S = 900
_QUIT_S = 30
_SAVED = "booted"

# Runs in the machine that goes on from the saved one: its clock stood still, and its keys are the image's.
_PERSONALISE = """
set -e
date --set=@{now}
base64 --decode <<'END' | tar --extract --directory=/ --no-same-owner
{files}
END
hostname --file /etc/hostname
systemctl restart systemd-journald
systemctl reload ssh
"""


@dataclass(frozen=True)
class Prepared:
    """What all labs with the same image and hardware share."""

    kit: Tools
    image: BootImage
    hardware: Hardware
    disk: Path
    """Holds the saved machine."""


@dataclass(frozen=True)
class MetalMachine:
    """Starts and stops a lab of kind `metal`."""

    cache: Cache

    def prepare(self, flavour: Flavour) -> None:
        """Make the disk and a saved machine with the default memory."""
        self._prepared(flavour, DEFAULT_MEMORY_MIB)

    def _prepared(self, flavour: Flavour, memory_mib: int, kernel: Path | None = None) -> Prepared:
        """A saved machine goes on only with as much memory as it had."""
        kit = tools(self.cache)
        image = disk.plain_debian(self.cache, kit, flavour, kernel)
        hardware = Hardware(accelerator(self.cache, kit, image.kernel, image.initrd), memory_mib)
        return Prepared(kit, image, hardware, self._saved(kit, hardware, image))

    def start(self, lab: Lab) -> None:
        """Let a saved, booted machine go on as this lab, with keys of its own; makes that one first if need be.

        Raises:
            SkerryError: it did not come up; the message carries what it said.
        """
        ready = self._prepared(lab.flavour, lab.memory_mib, lab.kernel)
        with self.cache.progress.stage(f"lab {lab.name}: start ({ready.hardware.accelerator})"):
            files = make_identity(lab)
            run_here(["cp", "--reflink=auto", str(ready.disk), str(lab.home / "disk.qcow2")], timeout=600)
            argv = [*qemu.command(ready.kit, ready.hardware, ready.image, lab.forward), "-loadvm", _SAVED]
            process = launch.start(argv, lab.home, lab.home / "qemu.log")
            try:
                _personalise(lab, ready.image, files, process)
            except SkerryError as error:
                raise SkerryError(f"{error}\n{_said(lab.home)}") from error

    def stop(self, lab: Lab) -> None:
        """End it. Its disk is thrown away, so nothing is lost by not asking."""
        process = lab.process()
        if process is not None:
            process.kill()

    def console(self, lab: Lab) -> list[str]:
        """The command that joins the serial line."""
        return [sys.executable, "-m", "skerry_lab.serial_line", str(lab.home / qemu.SERIAL)]

    def logs(self, lab: Lab) -> list[str]:
        """The command that shows the machine's journal."""
        return lab.login.command(["journalctl", "--boot", "--no-pager"])

    def _saved(self, kit: Tools, hardware: Hardware, image: BootImage) -> Path:
        """The disk of a machine that was saved when its boot was done."""

        def build(place: Path) -> None:
            with self.cache.progress.stage(f"image machine: first boot ({hardware.accelerator})"):
                shutil.copyfile(image.disk, place / "disk.qcow2")
                port = choose("image", place.name, ())
                argv = qemu.command(kit, hardware, image, {port: 22})
                pid = start_detached(dies_with_us(argv), place / "qemu.log", cwd=place)
                _boot_and_save(_image_login(image, port, place), ProcessIdentity.of(pid), place)

        key = digest([image.digest, image.append, kit.qemu_version(), *hardware.arguments()])
        return self.cache.entry("machine", key, build) / "disk.qcow2"


def _boot_and_save(login: Login, process: ProcessIdentity, place: Path) -> None:
    try:
        login.wait(LOGIN_S, process.alive)
        _wait_boot(login)
        with qemu.control(place) as control:
            control.monitor(f"savevm {_SAVED}")
            control.monitor("quit")
        process.wait_gone(_QUIT_S)
    except SkerryError as error:
        raise SkerryError(f"{error}\n{_said(place)}") from error
    finally:
        process.kill()


def _wait_boot(login: Login) -> None:
    state = login.run(["systemctl is-system-running --wait || true"], timeout=LOGIN_S).strip()
    if state != "running":
        failed = login.run(["systemctl --failed --plain --no-legend"])
        raise SkerryError(f"the image boots, but its systemd says {state!r}:\n{tail(failed)}")


def _image_login(image: BootImage, port: int, place: Path) -> Login:
    login = Login(port, image.login_key, place / "known_hosts", "skerry-lab-image")
    login.pin(image.host_key.with_suffix(".pub"))
    return login


def _personalise(lab: Lab, image: BootImage, files: list[File], process: ProcessIdentity) -> None:
    first = _image_login(image, lab.ports["ssh"], lab.home)
    first.wait(LOGIN_S, process.alive)
    script = _PERSONALISE.format(now=int(time.time()), files=archive(files))
    first.run(["sh", "-s"], stdin=script, timeout=LOGIN_S)
    lab.login.pin(lab.host_key.with_suffix(".pub"))
    lab.login.wait(LOGIN_S, process.alive)


def _said(place: Path) -> str:
    return f"QEMU:\n{tail(read_text(place / 'qemu.log'))}\nconsole:\n{tail(read_text(place / 'console.log'))}"
