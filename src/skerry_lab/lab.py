"""Up and down: one interface over both kinds."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from skerry_base.core.cache import Cache
from skerry_base.core.errors import SkerryError
from skerry_base.core.paths import cache_home, state_home
from skerry_base.core.progress import Progress
from skerry_lab import needs, ports
from skerry_lab.bare import BareMachine
from skerry_lab.board import Board
from skerry_lab.fast import FastMachine
from skerry_lab.metal import MetalMachine
from skerry_lab.recipe import Flavour, Kind
from skerry_lab.state import DEFAULT_MEMORY_MIB, PORTS, Lab, LabStore, State
from skerry_lab.switches import Switches


class Machine(Protocol):
    """What a kind of lab can do."""

    def prepare(self, flavour: Flavour) -> None:
        """Make what all labs of this kind and flavour share."""

    def start(self, lab: Lab) -> None:
        """Boot it and wait until it lets root in."""

    def stop(self, lab: Lab) -> None:
        """End its processes; nothing happens where none is left."""

    def console(self, lab: Lab) -> list[str]:
        """The command that opens its console."""

    def logs(self, lab: Lab) -> list[str]:
        """The command that shows what it said."""


@dataclass(frozen=True)
class Wanted:
    """A lab as it is asked for."""

    name: str
    kind: Kind
    flavour: Flavour = Flavour.HOST
    owner: str = "make"
    memory_mib: int = DEFAULT_MEMORY_MIB
    board: Board | None = None
    """For the flavour `rescue`: the hardware."""
    kernel: Path | None = None
    """The folder of a kernel of ours, for a metal machine."""

    def __post_init__(self) -> None:
        """Refuse what can't be.

        Raises:
            SkerryError: only a metal machine has disks, firmware and a kernel of its own.
        """
        if self.flavour is Flavour.RESCUE and self.kind is not Kind.METAL:
            raise SkerryError(
                "--image rescue is for --kind metal: the fast lab has neither disks nor firmware"
            )
        if self.kernel and self.kind is not Kind.METAL:
            raise SkerryError("--kernel is for --kind metal: the fast lab has this computer's kernel")


@dataclass(frozen=True)
class Labs:
    """All labs of this user, and how to make more."""

    store: LabStore
    cache: Cache
    progress: Progress

    @classmethod
    def of_this_user(cls) -> "Labs":
        """Below the user's own cache and state folders."""
        progress = Progress()
        return cls(LabStore(state_home()), Cache(cache_home(), progress), progress)

    def machine(self, kind: Kind, flavour: Flavour) -> Machine:
        """What starts and stops such labs."""
        if kind is Kind.FAST:
            return FastMachine(self.cache)
        return BareMachine(self.cache) if flavour is Flavour.RESCUE else MetalMachine(self.cache)

    @contextmanager
    def switches(self, name: str) -> Iterator[tuple[Switches, Lab]]:
        """The switches of a bare machine, held for us alone, and what is known of it.

        Raises:
            SkerryError: there is no such lab, or it is no bare machine.
        """
        with self.store.lock(name, self.progress):
            lab = self.store.get(name)
            _ = lab.bare
            yield Switches(BareMachine(self.cache), self.store), lab

    def up(self, wanted: Wanted, *, fresh: bool = False) -> Lab:
        """A running lab as it is wanted: the one that runs already, or a new one.

        What a killed run left under this name is taken away first.

        Raises:
            SkerryError: another lab runs under this name, this computer lacks something, or the machine did not
                come up.
        """
        needs.ensure(wanted.kind, self.cache.home, self.store.home, self.progress)
        with self.store.lock(wanted.name, self.progress):
            there = self.store.find(wanted.name)
            if there is not None and there.state() is State.RUNNING and not fresh:
                return _same(there, wanted)
            self._clear(wanted.name)
            lab = self._reserve(wanted)
            self.machine(lab.kind, lab.flavour).start(lab)
            lab.mark_ready()
            return lab

    def down(self, name: str) -> None:
        """End a lab and take away all that is its own; where there is none, that is said."""
        with self.store.lock(name, self.progress):
            if name not in self.store.names():
                self.progress.say(f"lab {name}: there is none")
            self._clear(name)

    def prepare(self, kind: Kind, flavour: Flavour) -> None:
        """Make the images of a kind, so that the first `up` is quick."""
        needs.ensure(kind, self.cache.home, self.store.home, self.progress)
        self.machine(kind, flavour).prepare(flavour)

    def prune(self, days: float) -> list[str]:
        """Take away cached images that were not used for so many days.

        Raises:
            SkerryError: a lab runs, perhaps on one of them.
        """
        running = [lab.name for lab in self.store.all() if lab.state() is not State.DEAD]
        if running:
            raise SkerryError(f"labs run on these images: {', '.join(running)}; end them with `lab down`")
        return self.cache.drop_unused(days)

    def _clear(self, name: str) -> None:
        lab = self.store.find(name)
        if lab is not None:
            with self.progress.stage(f"lab {name}: down"):
                self.machine(lab.kind, lab.flavour).stop(lab)
        self.store.forget(name)

    def _reserve(self, wanted: Wanted) -> Lab:
        """Write the lab down with ports of its own."""
        with self.store.ports_lock():
            taken = self.store.ports_taken(but=wanted.name)
            chosen: dict[str, int] = {}
            for purpose in PORTS if wanted.board else PORTS.keys() - {"unlock"}:
                chosen[purpose] = ports.choose(wanted.name, purpose, taken | set(chosen.values()))
            home = self.store.folder(wanted.name)
            lab = Lab(wanted.name, wanted.kind, wanted.flavour, wanted.owner, wanted.memory_mib, chosen, home,
                      wanted.board, wanted.kernel)  # fmt: skip
            self.store.save(lab)
            return lab


def _same(there: Lab, wanted: Wanted) -> Lab:
    same = (there.kind, there.flavour, there.kernel) == (wanted.kind, wanted.flavour, wanted.kernel)
    if not same or (there.board and wanted.board and not there.board.same_kind(wanted.board)):
        hardware = f" ({there.board.summary()})" if there.board else ""
        hardware += f" and the kernel {there.kernel.name}" if there.kernel else ""
        raise SkerryError(
            f"lab {there.name} runs already, as {there.kind} with the image {there.flavour}{hardware}; "
            f"end it with `lab down {there.name}` or take another name"
        )
    return there
