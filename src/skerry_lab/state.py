"""What is known of each lab: one folder a lab, with everything that is its own."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path

from skerry_base.core.errors import SkerryError
from skerry_base.core.files import write_whole
from skerry_base.core.locks import locked
from skerry_base.core.progress import Progress
from skerry_lab.board import Board
from skerry_lab.process import ProcessIdentity, cpu_seconds
from skerry_lab.recipe import Flavour, Kind
from skerry_lab.ssh import Login

DEFAULT_MEMORY_MIB = 2048

PORTS = {"ssh": 22, "https": 443, "unlock": 2222}
"""What a machine is reached by from this computer, and the port inside."""

NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class State(StrEnum):
    """How it is with a lab."""

    STARTING = "starting"
    RUNNING = "running"
    DEAD = "dead"


@dataclass(frozen=True)
class Lab:
    """One machine: what it was asked to be, and where to reach it."""

    name: str
    kind: Kind
    flavour: Flavour
    owner: str
    """Who made it: `make` for the user's own, anything else for a test's; the inventory goes by it."""
    memory_mib: int
    ports: dict[str, int]
    """Ports on 127.0.0.1 by purpose; the purposes are those of `PORTS`."""
    home: Path
    board: Board | None = None
    """The hardware of a machine that starts with blank disks."""
    kernel: Path | None = None
    """The folder of the kernel that it boots, once it is installed; None for Debian's."""

    @property
    def key(self) -> Path:
        """The private key that logs in as root."""
        return self.home / "id_ed25519"

    @property
    def host_key(self) -> Path:
        """The machine's own private ssh key."""
        return self.home / "host_ed25519"

    @property
    def alias(self) -> str:
        """Its name in known_hosts, and in what this computer shows of it."""
        return f"skerry-lab-{self.name}"

    @property
    def login(self) -> Login:
        """How to log in as root."""
        return Login(self.ports["ssh"], self.key, self.home / "known_hosts", self.alias)

    @property
    def console_log(self) -> Path:
        """What the machine printed on its console."""
        return self.home / "console.log"

    @property
    def ca(self) -> Path:
        """Where the proxy role brings the certificate of the host's own CA."""
        return self.home / "ca.crt"

    @property
    def forward(self) -> dict[int, int]:
        """Port on 127.0.0.1 → port in the machine."""
        return {port: PORTS[purpose] for purpose, port in self.ports.items()}

    @property
    def passphrase(self) -> Path:
        """Where the throw-away passphrase of its disks is."""
        return self.home / "passphrase"

    @property
    def bare(self) -> Board:
        """The hardware of a machine that started with blank disks.

        Raises:
            SkerryError: it is not such a machine.
        """
        if self.board is None:
            raise SkerryError(
                f"lab {self.name} has no disks of its own: that takes --kind metal --image rescue"
            )
        return self.board

    def process(self) -> ProcessIdentity | None:
        """The process whose life is the machine's."""
        return ProcessIdentity.load(self.home / "process.json")

    def state(self) -> State:
        """How it is with the machine now."""
        process = self.process()
        if process is None or not process.alive():
            return State.DEAD
        return State.RUNNING if self._ready.exists() else State.STARTING

    def runs(self) -> bool:
        """Whether its process does: it is up, or on its way."""
        return self.state() is not State.DEAD

    def cpu_seconds(self) -> float:
        """Processor time that the machine has taken since it was switched on."""
        process = self.process()
        return cpu_seconds(process.pid) if process is not None and process.alive() else 0.0

    def mark_ready(self) -> None:
        """It is up, with keys of its own. Without this mark nobody takes it for a lab that is up."""
        self._ready.touch()

    @property
    def _ready(self) -> Path:
        return self.home / "ready"


def check_name(name: str) -> str:
    """The name, if it is one.

    Raises:
        SkerryError: it is not; the message says what one looks like.
    """
    if not NAME.fullmatch(name):
        raise SkerryError(f"lab name {name!r}: a letter, then up to 30 of a-z, 0-9 and -; for instance `try`")
    return name


@dataclass(frozen=True)
class LabStore:
    """All labs of this user."""

    home: Path

    def folder(self, name: str) -> Path:
        """Where a lab of this name keeps its things."""
        return self.home / "labs" / check_name(name)

    def lock(self, name: str, progress: Progress) -> AbstractContextManager[None]:
        """Held by whoever changes a lab: `up` and `down`."""
        waiting = f"wait: another run is changing the lab {name}"
        return locked(self.home / "locks" / f"{check_name(name)}.lock", lambda: progress.stage(waiting))

    def ports_lock(self) -> AbstractContextManager[None]:
        """Held from choosing ports to having them written down."""
        return locked(self.home / "locks" / ".ports")

    def save(self, lab: Lab) -> None:
        """Write a lab down, whole or not at all."""
        lab.home.mkdir(parents=True, exist_ok=True, mode=0o700)
        record = {**asdict(lab), "home": str(lab.home), "kernel": str(lab.kernel or "")}
        write_whole(lab.home / "lab.json", json.dumps(record, indent=2) + "\n")

    def find(self, name: str) -> Lab | None:
        """The lab of this name; None where there is none (or a killed run left half of one)."""
        folder = self.folder(name)
        try:
            record = json.loads((folder / "lab.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        kind, flavour = Kind(record["kind"]), Flavour(record["flavour"])
        board = Board.of(record["board"]) if record.get("board") else None
        kernel = Path(record["kernel"]) if record.get("kernel") else None
        enums = {"kind": kind, "flavour": flavour}
        return Lab(**{**record, **enums, "home": folder, "board": board, "kernel": kernel})

    def get(self, name: str) -> Lab:
        """The lab of this name.

        Raises:
            SkerryError: there is none.
        """
        lab = self.find(name)
        if lab is None:
            there = ", ".join(lab.name for lab in self.all()) or "none at all"
            raise SkerryError(f"no lab named {name!r} (there is: {there}); make one with `lab up {name}`")
        return lab

    def names(self) -> list[str]:
        """The names of all folders, whole labs or not."""
        home = self.home / "labs"
        if not home.is_dir():
            return []
        return sorted(path.name for path in home.iterdir() if NAME.fullmatch(path.name))

    def all(self) -> Iterator[Lab]:
        """All labs, by name."""
        for name in self.names():
            lab = self.find(name)
            if lab is not None:
                yield lab

    def ports_taken(self, but: str) -> set[int]:
        """Ports promised to labs other than this one."""
        return {port for lab in self.all() if lab.name != but for port in lab.ports.values()}

    def forget(self, name: str) -> None:
        """Take a lab's folder away."""
        folder = self.folder(name)
        if folder.exists():
            shutil.rmtree(folder)
