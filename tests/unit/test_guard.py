"""The guard of the unit tests guards."""

import os
import socket
import subprocess
import sys

import pytest

# The conftest's own class: conftest files can't be imported by name.
TOUCHED = "TouchedTheSystem"


def refused(error: pytest.ExceptionInfo[BaseException]) -> bool:
    return type(error.value).__name__ == TOUCHED


def test_no_program_starts() -> None:
    with pytest.raises(BaseException, match="tests/integration") as error:
        subprocess.run([sys.executable, "-c", ""], check=False)
    assert refused(error)


def test_no_process_forks() -> None:
    with pytest.raises(BaseException, match=r"os\.fork") as error:
        os.fork()
    assert refused(error)


def test_no_network() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_STREAM) as plug,
        pytest.raises(BaseException, match=r"socket\.connect") as error,
    ):
        plug.connect(("127.0.0.1", 9))
    assert refused(error)


def test_sockets_of_our_own_are_allowed() -> None:
    left, right = socket.socketpair()
    with left, right:
        left.sendall(b"x")
        assert right.recv(1) == b"x"
