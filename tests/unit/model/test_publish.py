"""Published ports: what an entry means, which are refused, and which ports a host allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from skerry.model.container import Spec
from skerry.model.publish import Published, by_tls, is_tcp, mark, parse, read_ports

PORTS = st.integers(1, 65_535)
NATURAL = st.sampled_from(["tcp", "udp"])
PROTOCOLS = st.sampled_from([("tcp", False), ("udp", False), ("tls", False), ("tls", True)])


@pytest.mark.parametrize(
    ("text", "entry", "written"),
    [
        ("5432", Published(5432, 5432, "tcp"), "5432"),
        ("5432/tcp", Published(5432, 5432, "tcp"), "5432"),
        ("5432:5432", Published(5432, 5432, "tcp"), "5432"),
        ("8025:25/tcp", Published(8025, 25, "tcp"), "8025:25"),
        ("5353:53/udp", Published(5353, 53, "udp"), "5353:53/udp"),
        ("05353/udp", Published(5353, 5353, "udp"), "5353/udp"),
        ("8883/tls", Published(8883, 8883, "tls"), "8883/tls"),
        ("8883:1883/tls+proxy", Published(8883, 1883, "tls", header=True), "8883:1883/tls+proxy"),
        ("65535:1", Published(65535, 1, "tcp"), "65535:1"),
    ],
)
def test_an_entry_names_a_port_of_the_host_first(text, entry, written):
    assert parse(text) == entry
    assert str(entry) == written


@pytest.mark.parametrize(
    "text",
    [
        "", "0", "65536", "8025:0", "8025:65536", "8025:", ":25", "8025:25/", "8025:25/sctp", "8025:25/TCP", "http",
        "127.0.0.1:8025:25", "8000-8010", "8000-8010:80-90", "8025 :25", "8025:25\n", "-1", "\u0665", "481525",
        "8883/TLS", "8883/tls+", "8883/tls+proxy1", "8883+proxy", "8883/+proxy", "8883/tls/proxy", "8883/proxy",
    ],
)  # fmt: skip
def test_what_is_no_entry_is_refused_with_an_example(text):
    with pytest.raises(
        ValueError, match=r"must be HOSTPORT.*8025:25 or 5353:53/udp.*tls or tls\+proxy.*quotes"
    ):
        parse(text)


@pytest.mark.parametrize("text", ["6767:67/udp", "5470:547/udp"])
def test_a_dhcp_server_is_refused_where_its_answers_would_be_dropped(text):
    with pytest.raises(ValueError, match="leads to a DHCP server"):
        parse(text)
    assert parse(text.replace("udp", "tcp"))


@pytest.mark.parametrize(("text", "by"), [("8025:25/tcp+proxy", "tcp"), ("53/udp+proxy", "udp")])
def test_only_what_passes_the_proxy_begins_with_a_header(text, by):
    with pytest.raises(ValueError, match=rf"By {by} the container sees the address .*: leave '\+proxy' out"):
        parse(text)


@given(PORTS, PORTS, PROTOCOLS)
def test_what_is_written_is_read_back(host_port, port, how):
    protocol, header = how
    entry = Published(host_port, port, protocol, header)
    if protocol == "tcp" or port not in {67, 547}:
        assert parse(str(entry)) == entry


@given(st.sets(st.tuples(NATURAL, PORTS), min_size=2))
def test_no_two_ports_have_a_mark_in_common(ports):
    marks = {mark(*one) for one in ports}
    assert len(marks) == len(ports)
    assert not marks & {0x5E000000 | slot for slot in range(1, 65_536)}, "a mark of a container"
    assert {is_tcp(mark(*one)) for one in ports} == {protocol == "tcp" for protocol, _ in ports}


def test_a_spec_has_each_port_of_the_host_once():
    spec = Spec(image="hello", publish=["53:5353/udp", "53:5354/tcp", "54:5354"])
    assert spec.publish == ("53:5353/udp", "53:5354", "54:5354")
    with pytest.raises(ValidationError, match="port 53/tcp of the host is there twice"):
        Spec(image="hello", publish=["53:1", "53:2/tcp"])
    with pytest.raises(ValidationError, match="port 53/tls of the host is there twice"):
        Spec(image="hello", publish=["53:1/tls", "53:2/tls+proxy"])
    with pytest.raises(ValidationError, match="at most 64"):
        Spec(image="hello", publish=[str(port) for port in range(2000, 2065)])


def test_the_proxy_may_reach_the_ports_behind_tls():
    spec = Spec(
        image="hello", port=80, publish=["8883:1883/tls", "6697:6667/tls+proxy", "7000:7001", "53/udp"]
    )
    assert spec.ports() == (80, 1883, 6667)
    assert by_tls(spec.publish) == [Published(6697, 6667, "tls", header=True), Published(8883, 1883, "tls")]


def test_ports_are_read_as_ranges():
    ports = read_ports(["5432", "1024-2048"])
    assert [port in ports for port in (1023, 1024, 2048, 2049, 5432)] == [False, True, True, False, True]
    assert str(ports) == "1024-2048, 5432"
    assert str(read_ports([])) == "none"
    assert 1 not in read_ports([])


@pytest.mark.parametrize("text", ["0", "65536", "10-5", "1-65536", "a", "", "1-2-3", "1,2"])
def test_what_is_no_range_is_refused(text):
    with pytest.raises(ValueError, match="must be a port such as 5432, or a range such as 1024-65535"):
        read_ports([text])
