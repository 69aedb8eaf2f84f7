"""FIFOs between clients and the engine's programs: what an output takes no more, and what a killed client has left."""

import contextlib
import os
import threading
from pathlib import Path

import pytest

from skerry import streams

NOBODY = 0x7FFFFFFF  # more than any process has for its id


def feed(path: Path, data: bytes) -> threading.Thread:
    """A program that writes."""

    def write() -> None:
        with contextlib.suppress(BrokenPipeError):
            path.write_bytes(data)

    thread = threading.Thread(target=write)
    thread.start()
    return thread


def test_what_killed_clients_have_left_goes_and_what_others_use_stays(tmp_path: Path) -> None:
    left, strange = tmp_path / f"{NOBODY:08x}00000000", tmp_path / "strange"
    used = tmp_path / f"{os.getppid():08x}00000000"
    for path in (left, used, strange):
        os.mkfifo(path)
    with (tmp_path / "file").open("wb") as file, streams.stream(file, "out", str(tmp_path)) as name:
        assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
            [name, used.name, "strange", "file"]
        )
        feed(tmp_path / name, b"x").join()
    assert (tmp_path / "file").read_bytes() == b"x"
    assert not (tmp_path / name).exists()


def test_an_output_that_takes_part_of_a_block_gets_the_rest_as_well(tmp_path: Path) -> None:
    class Slow:
        """Takes ten bytes at once."""

        def __init__(self) -> None:
            self.found = b""

        def write(self, data: bytes) -> int:
            self.found += data[:10]
            return min(len(data), 10)

    slow = Slow()
    with streams.stream(slow, "out", str(tmp_path)) as name:  # type: ignore[arg-type]
        thread = feed(tmp_path / name, b"0123456789" * 30)
        thread.join()
    assert slow.found == b"0123456789" * 30


def test_an_output_without_room_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(OSError, match="No space left"),
        open("/dev/full", "wb", buffering=0) as full,
        streams.stream(full, "out", str(tmp_path)) as name,
    ):
        feed(tmp_path / name, b"x" * 100_000).join()
    assert list(tmp_path.iterdir()) == []
