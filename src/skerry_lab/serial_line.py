"""A terminal on a machine's serial line; Ctrl-] leaves it."""

import os
import select
import socket
import sys
import termios
import tty
from pathlib import Path

from skerry_lab.qemu import connect

_LEAVE = b"\x1d"


def main() -> None:
    """`python -m skerry_lab.serial_line SOCKET`, called by `lab console`."""
    keyboard = sys.stdin.fileno()
    before = termios.tcgetattr(keyboard)
    print("serial line; Ctrl-] leaves it, Enter shows the prompt\r")
    with connect(Path(sys.argv[1])) as line:
        tty.setraw(keyboard)
        try:
            _talk(keyboard, line)
        finally:
            termios.tcsetattr(keyboard, termios.TCSADRAIN, before)


def _talk(keyboard: int, line: socket.socket) -> None:
    while True:
        ready, _, _ = select.select([keyboard, line.fileno()], [], [])
        if line.fileno() in ready:
            said = line.recv(4096)
            if not said:
                return
            os.write(sys.stdout.fileno(), said)
        if keyboard in ready:
            typed = os.read(keyboard, 1024)
            if _LEAVE in typed:
                return
            line.sendall(typed)


if __name__ == "__main__":
    main()
