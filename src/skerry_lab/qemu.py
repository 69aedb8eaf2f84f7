"""A QEMU machine: its command line, and its control socket."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from skerry_base.core.errors import SkerryError
from skerry_lab.disk import BootImage
from skerry_lab.ports import LOOPBACK
from skerry_lab.tools import Tools

CONTROL, SERIAL = "control.sock", "serial.sock"
GUEST = "10.0.2.100"
_ANSWER_S = 300


@dataclass(frozen=True)
class Hardware:
    """What must be the same where a machine is saved and where it goes on."""

    accelerator: str
    memory_mib: int

    def computer(self) -> list[str]:
        """Processor and memory, as QEMU takes them. One processor: under emulation two are slower."""
        kvm = self.accelerator == "kvm"
        return [
            "-machine", "pc", "-accel", "kvm" if kvm else "tcg,thread=multi", "-cpu", "host" if kvm else "max",
            "-smp", "1", "-m", str(self.memory_mib), "-nodefaults", "-no-user-config", "-display", "none",
            "-rtc", "base=utc",
        ]  # fmt: skip

    def arguments(self) -> list[str]:
        """All of a machine that boots a prepared disk."""
        return [
            *self.computer(),
            # A machine that goes on from a saved state learns by this that it is a new one, and mixes its random
            # numbers anew.
            "-device", "vmgenid,guid=auto",
            "-device", "virtio-blk-pci,drive=disk0",
            "-device", "virtio-net-pci,netdev=net0,romfile=",
            "-device", "virtio-rng-pci",
        ]  # fmt: skip


def command(tools: Tools, hardware: Hardware, image: BootImage, forward: dict[int, int]) -> list[str]:
    """The command that boots a copy of an image's disk, `disk.qcow2` in the working folder.

    Args:
        tools: where QEMU is.
        hardware: the machine.
        image: kernel and what goes with it.
        forward: port on 127.0.0.1 → port in the machine.
    """
    return [
        *tools.qemu(), *hardware.arguments(),
        "-drive", "if=none,id=disk0,file=disk.qcow2,format=qcow2,cache=unsafe,discard=unmap",
        "-netdev", network(forward),
        "-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", image.append,
        *lines(),
    ]  # fmt: skip


def network(forward: dict[int, int]) -> str:
    """A user network, the same as the fast lab's; `forward` as for `command`."""
    ports = [f"hostfwd=tcp:{LOOPBACK}:{here}-{GUEST}:{there}" for here, there in forward.items()]
    what = ["ipv4=on", "ipv6=on", "net=10.0.2.0/24", "host=10.0.2.2", "dns=10.0.2.3", f"dhcpstart={GUEST}"]
    return ",".join(["user", "id=net0", *what, *ports])


def lines(more: str = "") -> list[str]:
    """The serial line, all of it logged, and the control socket, both in the working folder."""
    return [
        "-chardev", f"socket,id=serial0,path={SERIAL},server=on,wait=off,logfile=console.log{more}",
        "-serial", "chardev:serial0",
        "-qmp", f"unix:{CONTROL},server=on,wait=off",
    ]  # fmt: skip


@dataclass(frozen=True)
class Control:
    """QEMU's control socket, open."""

    stream: TextIO

    def monitor(self, line: str, answer: str = "") -> None:
        """A command of the human monitor, which says nothing (or `answer`) when all is well.

        Raises:
            SkerryError: it said something else.
        """
        said = self._execute("human-monitor-command", {"command-line": line})
        if said != answer:
            raise SkerryError(f"QEMU, asked to `{line}`: {said}")

    def hello(self) -> None:
        """QEMU wants this first."""
        self._read("QMP")
        self._execute("qmp_capabilities", {})

    def why_it_ended(self) -> str:
        """Wait until QEMU ends, and return the reason in its own words, for instance `guest-reset`."""
        reason = ""
        for line in self.stream:
            event: dict[str, Any] = json.loads(line)
            if event.get("event") == "SHUTDOWN":
                reason = str(event["data"]["reason"])
        return reason

    def _execute(self, name: str, arguments: dict[str, str]) -> str:
        self.stream.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        self.stream.flush()
        answer = self._read("return", "error")
        if "error" in answer:
            raise SkerryError(f"QEMU refused {name}: {answer['error']}")
        return str(answer["return"] or "").strip()

    def _read(self, *wanted: str) -> dict[str, Any]:
        """The next answer; events in between are not for us."""
        for line in self.stream:
            answer: dict[str, Any] = json.loads(line)
            if any(key in answer for key in wanted):
                return answer
        raise SkerryError("QEMU closed its control socket")


@contextmanager
def control(home: Path, name: str = CONTROL, answer_s: float | None = _ANSWER_S) -> Iterator[Control]:
    """A control socket of the machine that runs in this folder; None waits for ever for an answer."""
    with connect(home / name) as link:
        link.settimeout(answer_s)
        with link.makefile("rw", encoding="utf-8") as stream:
            opened = Control(stream)
            opened.hello()
            yield opened


def connect(path: Path) -> socket.socket:
    """A connection to a unix socket, however long its path is (the kernel takes 107 characters)."""
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        link.connect(f"/proc/self/fd/{folder}/{path.name}")
    except OSError:
        link.close()
        raise
    finally:
        os.close(folder)
    return link
