"""The switches of a bare machine that runs: power, network cable, disks."""

from dataclasses import dataclass, replace
from enum import StrEnum

from skerry_base.core.errors import SkerryError
from skerry_lab import qemu, saved
from skerry_lab.bare import BareMachine, make_blank
from skerry_lab.board import Bus, blank_disk
from skerry_lab.power import Start
from skerry_lab.state import Lab, LabStore
from skerry_lab.tools import tools

_POWER_OFF_S = 180


class Power(StrEnum):
    """What the power switch can do."""

    ON = "on"
    OFF = "off"
    CUT = "cut"
    DISKS = "disks"


@dataclass(frozen=True)
class Switches:
    """Turns them; whoever calls holds the lab's lock."""

    machine: BareMachine
    store: LabStore

    def power(self, lab: Lab, wanted: Power) -> None:
        """`on`: from its disks. `off`: asks the system to shut down. `cut`: at once. `disks`: `cut`, then `on`.

        Raises:
            SkerryError: it runs already, or does not shut down.
        """
        match wanted:
            case Power.ON if lab.runs():
                raise SkerryError(
                    f"lab {lab.name} is on already; `lab power {lab.name} disks` starts it anew"
                )
            case Power.ON | Power.DISKS:
                self.machine.power_on(lab, Start.DISKS)
            case Power.CUT:
                self.machine.stop(lab)
            case Power.OFF:
                self._off(lab)

    def rescue(self, lab: Lab) -> None:
        """Start it in the rescue system, as a provider's panel does, and wait until that lets root in."""
        self.machine.power_on(lab, Start.RESCUE)
        self.machine.wait(lab)

    def link(self, lab: Lab, *, plugged: bool) -> None:
        """Pull the network cable, or plug it in."""
        self._monitor(lab, f"set_link nic0 {'on' if plugged else 'off'}")

    def pull_disk(self, lab: Lab, slot: int) -> None:
        """Take a disk out, from under a running machine where the bus allows it.

        Raises:
            SkerryError: there is none in this slot, or a SATA machine runs.
        """
        there = lab.bare.disk(slot)
        if not there.plugged:
            raise SkerryError(f"lab {lab.name}: the disk in slot {slot} has been pulled already")
        if lab.runs():
            _check_hotplug(lab)
            self._monitor(lab, f"device_del disk{slot}")
        self._keep(replace(lab, board=lab.bare.with_disk(slot, replace(there, plugged=False))))

    def new_disk(self, lab: Lab, slot: int) -> None:
        """Put a blank disk into a slot whose disk was pulled.

        Raises:
            SkerryError: there is a disk in it, or a SATA machine runs.
        """
        if lab.bare.disk(slot).plugged:
            raise SkerryError(
                f"lab {lab.name} has a disk in slot {slot}: `lab disk {lab.name} pull {slot}` first"
            )
        board = lab.bare.with_disk(slot, blank_disk(slot, late=True))
        make_blank(tools(self.machine.cache), lab.home / board.disks[slot].file)
        if lab.runs():
            _check_hotplug(lab)
            self._monitor(lab, f'drive_add 0 "{board.drive(slot)}"', "OK")
            self._monitor(lab, f"device_add {board.device(slot)}")
        self._keep(replace(lab, board=board))

    def save(self, lab: Lab, label: str) -> None:
        """Keep its disks as they are under a label; raises as `saved.save`."""
        saved.save(lab, tools(self.machine.cache), label)

    def restore(self, lab: Lab, label: str) -> None:
        """Put its disks back to what they were; raises as `saved.restore`."""
        self._keep(replace(lab, board=saved.restore(lab, tools(self.machine.cache), label)))

    def _keep(self, lab: Lab) -> None:
        self.store.save(lab)
        self.machine.replan(lab)

    def _off(self, lab: Lab) -> None:
        process = lab.process()
        if process is None or not process.alive():
            return
        self._monitor(lab, "system_powerdown")
        if not process.wait_gone(_POWER_OFF_S):
            raise SkerryError(
                f"lab {lab.name} did not shut down within {_POWER_OFF_S} s; `lab power {lab.name} cut`"
            )

    @staticmethod
    def _monitor(lab: Lab, line: str, answer: str = "") -> None:
        if not lab.runs():
            raise SkerryError(f"lab {lab.name} is off; `lab power {lab.name} on` starts it")
        with qemu.control(lab.home) as control:
            control.monitor(line, answer)


def _check_hotplug(lab: Lab) -> None:
    if lab.bare.bus is Bus.SATA:
        raise SkerryError(f"QEMU can't change SATA disks while it runs: `lab power {lab.name} cut` first")
