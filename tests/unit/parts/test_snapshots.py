"""Whether files have changed since a snapshot of them: from what the kernel tells about two subvolumes."""

import struct

import pytest

from skerry.host import btrfs
from skerry.model.errors import Code, SkerryError
from skerry.model.host import HostConfig
from skerry.parts import snapshots

# struct btrfs_ioctl_get_subvol_info_args: id, name, parent, folder, generation, flags, three UUIDs, four transactions
# (changed, made, sent, received), four times, reserve
TOLD = struct.Struct("=Q256sQQQQ48sQQQQ64s64s")
HOST = HostConfig(domain="example.org", pool="/pool")


def told(generation: int, made: int) -> bytes:
    return TOLD.pack(
        256, b"one", 5, 256, generation, 1, b"u" * 48, generation + 7, made, 3, 4, b"t" * 64, b""
    )


@pytest.mark.parametrize(("generation", "made", "changed"), [(10, 10, False), (9, 10, False), (11, 10, True)])
def test_what_was_written_after_it_is_a_change(
    monkeypatch: pytest.MonkeyPatch, generation: int, made: int, changed: bool
) -> None:
    answers = {"/pool/c/blog": told(generation, 1), "/pool/s/container/one": told(12, made)}

    def ask(path: str, call: int, values: bytes, _what: str) -> bytes:
        assert (call, len(values)) == (0x81F8943C, TOLD.size)
        assert call >> 16 & 0x3FFF == TOLD.size
        return answers[path]

    monkeypatch.setattr(btrfs, "ask", ask)
    assert snapshots.changed_since(HOST, "c/blog", "s/container/one") is changed


@pytest.mark.parametrize("error", [SkerryError(Code.FAILED, "no such call"), FileNotFoundError()])
def test_where_nobody_can_tell_it_has_changed(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def ask(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(btrfs, "ask", ask)
    assert snapshots.changed_since(HOST, "c/blog", "s/container/one")
