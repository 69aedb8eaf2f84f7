"""Frames of the proof: the honest one is right in all of its fields, and each lie is wrong in one."""

import struct

from skerry_base.boot.kernels.frames import Port, honest, lies

PORT = Port("02:5e:00:00:00:07", "10.90.1.7", "02:5e:00:00:00:00", "10.90.0.1")
MARK = b"0123456789abcdefgh"


def words(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    return (total & 0xFFFF) + (total >> 16)


def test_the_honest_frame():
    frame = honest(PORT, MARK)
    assert frame[:14].hex() == "025e00000000" + "025e00000007" + "0800"
    head = frame[14:34]
    assert words(head) == 0xFFFF
    assert head[12:20] == bytes([10, 90, 1, 7, 10, 90, 0, 1])
    assert struct.unpack("!H", head[2:4])[0] == len(frame) - 14
    assert frame.endswith(MARK)


def test_each_lie_is_one():
    told = lies(PORT, MARK)
    true = honest(PORT, MARK)
    assert told["a foreign IPv4 address"][:14] == true[:14]
    assert told["a foreign IPv4 address"][26:30] == bytes([198, 51, 100, 7])
    assert told["a foreign MAC"][14:] == true[14:]
    assert told["a foreign MAC"][6:12] != true[6:12]
    claim = told["ARP: I am the gateway"]
    assert claim[12:14].hex() == "0806"
    assert claim[22:32] == bytes.fromhex("025e00000007") + bytes([10, 90, 0, 1])
    assert all(len(frame) >= 60 for frame in (true, *told.values()))
