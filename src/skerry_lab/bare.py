"""The bare metal lab: a machine with blank disks and real firmware, and a rescue system to install it from."""

import secrets
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.files import read_text
from skerry_base.core.run import run_here, tail
from skerry_lab import disk, launch, qemu
from skerry_lab.board import DISK_SIZE, Board, Firmware, mac_address
from skerry_lab.disk import RescueImage
from skerry_lab.identity import make_identity
from skerry_lab.initrd import own_files
from skerry_lab.kvm import accelerator
from skerry_lab.power import EVENTS, LOG, Plan, Start
from skerry_lab.process import ProcessIdentity, children
from skerry_lab.qemu import Hardware
from skerry_lab.recipe import Flavour
from skerry_lab.state import Lab
from skerry_lab.tools import Tools, tools

LOGIN_S = 300
_RESCUE_APPEND = f"rw console=ttyS0 {disk.NO_TIMER_CHECK} quiet"
_VARIABLES, _OWN_INITRD = "uefi-variables.fd", "rescue-initrd"


@dataclass(frozen=True)
class BareMachine:
    """Starts and stops a lab of the flavour `rescue`, and turns its switches."""

    cache: Cache

    def prepare(self, _flavour: Flavour) -> None:
        """Make the rescue system."""
        disk.rescue_system(self.cache, tools(self.cache))

    def start(self, lab: Lab) -> None:
        """Make its disks, start it in the rescue system and wait until that lets root in.

        A kernel of ours comes to its disks later, with Debian: the rescue system has its provider's.

        Raises:
            SkerryError: it did not come up; the message carries what it said. Or the folder for a kernel holds none.
        """
        disk.own_kernel(lab.kernel)
        kit = tools(self.cache)
        image = disk.rescue_system(self.cache, kit)
        with self.cache.progress.stage(f"lab {lab.name}: start into the rescue system"):
            _make_parts(lab, kit, image)
            self.power_on(lab, Start.RESCUE)
            self.wait(lab)

    def power_on(self, lab: Lab, start: Start) -> None:
        """Start it; what ran before is cut off."""
        self.stop(lab)
        self.replan(lab)
        process = launch.start([sys.executable, "-m", "skerry_lab.power", start], lab.home, lab.home / LOG)
        process.save(lab.home / launch.NOTE)  # it does so itself, but only in a moment

    def wait(self, lab: Lab) -> None:
        """Wait until the machine lets root in.

        Raises:
            SkerryError: it does not; the message carries what it said.
        """
        process = lab.process()
        try:
            lab.login.wait(LOGIN_S, lambda: process is not None and process.alive())
        except SkerryError as error:
            said = f"QEMU:\n{tail(read_text(lab.home / LOG))}\nconsole:\n{tail(read_text(lab.console_log))}"
            raise SkerryError(f"{error}\n{said}") from error

    def stop(self, lab: Lab) -> None:
        """Cut its power."""
        process = lab.process()
        if process is None or not process.alive():
            return
        machines = [ProcessIdentity.of(child) for child in children(process.pid)]
        process.kill()
        for machine in machines:
            machine.kill()

    def console(self, lab: Lab) -> list[str]:
        """The command that joins the serial line."""
        return [sys.executable, "-m", "skerry_lab.serial_line", str(lab.home / qemu.SERIAL)]

    def logs(self, lab: Lab) -> list[str]:
        """The command that shows all that was said on the serial line."""
        return ["cat", str(lab.console_log)]

    def replan(self, lab: Lab) -> None:
        """Write down how the machine starts the next time."""
        kit = tools(self.cache)
        image = disk.rescue_system(self.cache, kit)
        hardware = Hardware(accelerator(self.cache, kit, image.kernel, image.initrd), lab.memory_mib)
        from_disks = machine(lab, kit, hardware)
        Plan([*from_disks, *rescue(image)], from_disks).save(lab.home)


def _make_parts(lab: Lab, kit: Tools, image: RescueImage) -> None:
    """Everything of the machine that is its own."""
    files = [(file.path, file.mode, file.text.encode("ascii")) for file in make_identity(lab)]
    (lab.home / _OWN_INITRD).write_bytes(image.initrd.read_bytes() + own_files(files))
    shutil.copyfile(kit.uefi("VARS"), lab.home / _VARIABLES)
    lab.passphrase.touch(mode=0o600)
    lab.passphrase.write_text(secrets.token_hex(16), encoding="ascii")
    for drive in lab.bare.disks:
        make_blank(kit, lab.home / drive.file)


def make_blank(kit: Tools, path: Path) -> None:
    """A disk image that holds nothing and takes no space yet."""
    run_here([*kit.program("usr/bin/qemu-img"), "create", "-q", "-f", "qcow2", str(path), DISK_SIZE])


def machine(lab: Lab, kit: Tools, hardware: Hardware) -> list[str]:
    """The machine as it starts from its own disks."""
    return [
        *kit.qemu(), *hardware.computer(), *_firmware(kit, lab.bare),
        "-netdev", qemu.network(lab.forward),
        "-device", f"virtio-net-pci,id=nic0,netdev=net0,mac={mac_address(lab.name)},romfile=,addr=0x3",
        "-device", "virtio-rng-pci,addr=0x5",
        *lab.bare.arguments(), *qemu.lines(",logappend=on"),
    ]  # fmt: skip


def _firmware(kit: Tools, board: Board) -> list[str]:
    if board.firmware is Firmware.BIOS:
        return []
    return [
        "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={kit.uefi('CODE')}",
        "-drive", f"if=pflash,unit=1,format=raw,file={_VARIABLES}",
        # Servers have no shell in their firmware. It would start before every disk that came later.
        "-fw_cfg", "name=opt/org.tianocore/EFIShellSupport,string=no",
    ]  # fmt: skip


def rescue(image: RescueImage) -> list[str]:
    """What makes it start in the rescue system instead. Its medium is the first of the virtio disks."""
    return [
        "-no-reboot", "-qmp", f"unix:{EVENTS},server=on,wait=off",
        "-kernel", str(image.kernel), "-initrd", _OWN_INITRD, "-append", _RESCUE_APPEND,
        "-drive", f"if=none,id=rescue,file={image.disk},format=qcow2,readonly=on",
        "-device", "virtio-blk-pci,drive=rescue,serial=rescue,addr=0x4",
    ]  # fmt: skip
