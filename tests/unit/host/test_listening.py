"""Which ports the host's own programs listen on, from tables as the kernel writes them."""

import pytest

from skerry.host.listening import listens

HEAD = "  sl  local_address rem_address   st tx_queue rx_queue\n"
TABLES = {
    "tcp": [("00000000:0016", "0A"), ("0100007F:1538", "0A"), ("0100000A:1F90", "01")],
    "tcp6": [
        (f"{'0' * 32}:01BB", "0A"),
        ("00000000000000000000000001000000:20FB", "0A"),
        ("0000000000000000FFFF00000100007F:20FC", "0A"),
        ("000080FE00000000FF005E0201000000:20FD", "0A"),
    ],
    "udp": [("00000000:0044", "07"), ("3500007F:0035", "07"), ("0100000A:9C40", "01")],
}


@pytest.fixture
def tables(tmp_path):
    for name, rows in TABLES.items():
        lines = (f"   0: {local} {'0' * 8}:0000 {state} 00000000:00000000\n" for local, state in rows)
        (tmp_path / name).write_text(HEAD + "".join(lines), encoding="ascii")
    return tmp_path


@pytest.mark.parametrize(
    ("protocol", "port", "found"),
    [
        ("tcp", 22, True),
        ("udp", 22, False),
        ("tcp", 443, True),
        ("tcp", 8445, True),
        ("udp", 68, True),
        ("tcp", 5432, False),  # at 127.0.0.1 alone
        ("tcp", 8443, False),  # at ::1 alone
        ("tcp", 8444, False),  # at ::ffff:127.0.0.1 alone
        ("udp", 53, False),  # at 127.0.0.53 alone
        ("tcp", 8080, False),  # one end of a connection
        ("udp", 40000, False),  # the same
        ("tcp", 7, False),
    ],
)
def test_only_what_is_open_to_others_listens(tables, protocol, port, found):
    """There is no table of udp6: a kernel without IPv6 has none."""
    assert listens(protocol, port, tables) == found
