"""The proxy starts, reloads, dies and gets a new certificate, while routes come and go."""

import time
from collections.abc import Iterator

import pytest
from cryptography import x509
from testinfra.host import Host

from tests.integration.proxy_client import Agent, Door, RefusedError, lab_door, read_answer, route

UNIT = "skerry-proxy.service"
STAYS = route("9")


@pytest.fixture(scope="module")
def agent(lab: str) -> Iterator[Agent]:
    """One route that stays through everything."""
    found = Agent(lab)
    try:
        found("make", **STAYS)
        yield found
    finally:
        found.close()


@pytest.fixture(scope="module")
def door(lab: str, agent: Agent) -> Door:
    """The public port."""
    return lab_door(lab)


def wait_until(agent: Agent, host: str, status: int) -> None:
    deadline = time.monotonic() + 60
    while agent("status", host=host) != status:
        assert time.monotonic() < deadline, f"{host} does not answer {status}"


@pytest.mark.parametrize("verb", ["reload", "restart"])
def test_a_route_removed_at_any_moment_of_a_reload_or_restart_never_comes_back(
    agent: Agent, verb: str
) -> None:
    found = agent("race", verb=verb, rounds=20)
    assert found["problems"] == []
    if verb == "reload":
        assert found["seen_alive"] == 20  # or else the race was not run at all
    assert agent("status", host=STAYS["host"]) == 200


def test_old_workers_learn_of_changes_too(agent: Agent, door: Door) -> None:
    """A kept connection stays with the worker that began it: after a reload, that is the old one."""
    doomed, later = route("1"), route("2")
    agent("make", **doomed)
    with door.connect(doomed["host"]) as connection:
        request = "GET / HTTP/1.1\r\nhost: {}\r\n\r\n"
        connection.sendall(b"GET /stream")  # an unfinished request keeps it
        agent("systemctl", words=["reload", UNIT])
        assert len(agent("workers")) == 2
        agent("make", **later)
        agent("remove", **doomed)
        connection.sendall(f" HTTP/1.1\r\nhost: {doomed['host']}\r\n\r\n".encode())
        assert read_answer(connection).status == 404
    with door.connect(later["host"]) as connection:
        connection.sendall(request.format(later["host"]).encode())
        assert read_answer(connection).status == 200
    agent("remove", **later)


def test_a_reload_drops_no_request(agent: Agent, door: Door) -> None:
    with door.connect(STAYS["host"]) as kept:
        for _ in range(5):
            agent("systemctl", words=["reload", UNIT])
            assert door.get(STAYS["host"]).status == 200
        kept.sendall(f"GET / HTTP/1.1\r\nhost: {STAYS['host']}\r\n\r\n".encode())
        assert read_answer(kept).status == 200


def test_a_proxy_that_is_down_is_named_and_keeps_nobody_from_deleting(agent: Agent) -> None:
    doomed, wanted = route("3"), route("4")
    agent("make", **doomed)
    agent("systemctl", words=["stop", UNIT])
    try:
        with pytest.raises(RefusedError, match=f"the proxy does not run.*systemctl status {UNIT}"):
            agent("make", **wanted)  # it stays in the store, as no engine would leave it
        assert not agent("exists", **wanted)
        agent("remove", **doomed)
    finally:
        agent("systemctl", words=["start", UNIT])
    assert agent("status", host=doomed["host"]) == 404
    assert agent("status", host=wanted["host"]) == 200  # what the store says is live from the start
    assert agent("exists", **wanted)
    agent("remove", **wanted)


def test_after_the_worst_it_comes_back_by_itself_with_all_routes(agent: Agent) -> None:
    agent("kill_worker")
    wait_until(agent, STAYS["host"], 200)
    assert agent("exists", **STAYS)


def test_four_threads_at_once_leave_exactly_what_they_should(agent: Agent) -> None:
    found = agent("crowd", threads=4, each=50)
    print(f"four threads, milliseconds a call: {found['ms']}")
    assert (found["missing"], found["extra"]) == (0, 1)  # the one that stays


def test_ten_thousand_routes(agent: Agent) -> None:
    found = agent("many", count=10_000)
    print(f"10,000 routes: sync {found['sync_ms']:.0f} ms, reload {found['reload_ms']:.0f} ms")
    assert found["live"] == found["live_after_reload"] == 10_001
    agent("make", **STAYS)  # the agent has emptied the store's test routes


def served_certificate(door: Door) -> x509.Certificate:
    with door.connect(STAYS["host"]) as connection:
        der = connection.getpeercert(binary_form=True)
    assert der is not None
    return x509.load_der_x509_certificate(der)


def test_a_certificate_is_swapped_without_a_restart(agent: Agent, host: Host, door: Door) -> None:
    before, workers = served_certificate(door), agent("workers")
    with door.connect(STAYS["host"]) as kept:
        host.check_output("rm /etc/skerry/pki/server.pem")
        host.check_output("systemctl start skerry-pki.service")
        after = served_certificate(door)
        kept.sendall(f"GET / HTTP/1.1\r\nhost: {STAYS['host']}\r\n\r\n".encode())
        assert read_answer(kept).status == 200
    assert after.serial_number != before.serial_number
    assert after.issuer == before.issuer
    assert set(agent("workers")) <= set(workers)  # none began; one that was leaving may have ended
    assert host.file("/etc/skerry/pki/server.pem").mode == 0o600
    agent("systemctl", words=["reload", UNIT])
    assert served_certificate(door).serial_number == after.serial_number


def test_only_root_can_read_keys_and_command_the_proxy(host: Host) -> None:
    for path, mode in (
        ("/etc/skerry/pki/ca.key", 0o600),
        ("/etc/skerry/pki/server.pem", 0o600),
        ("/run/skerry-proxy", 0o750),
        ("/run/skerry-proxy/master.sock", 0o600),
    ):
        found = host.file(path)
        assert (found.user, found.group, found.mode) == ("root", "root", mode), path


def test_the_workers_are_fenced_in(host: Host, agent: Agent) -> None:
    for worker in agent("workers"):
        status = host.file(f"/proc/{worker}/status").content_string
        assert f"\nUid:\t{host.user('haproxy').uid}\t" in status
        assert "\nCapEff:\t0000000000000000\n" in status
        assert "\nNoNewPrivs:\t1\n" in status
        assert host.check_output(f"readlink /proc/{worker}/root") == "/var/lib/haproxy"


def test_debians_own_haproxy_cannot_start(host: Host) -> None:
    assert host.check_output("systemctl is-enabled haproxy.service || true") == "masked"
    assert not host.service("haproxy.service").is_running


def test_an_upgraded_program_is_taken_up_without_a_restart(host: Host, agent: Agent) -> None:
    before = agent("workers")
    master = host.check_output(f"systemctl show --property=MainPID --value {UNIT}")
    program = "/usr/sbin/haproxy"
    host.check_output(
        f"cp --preserve {program} {program}.new && mv {program}.new {program}"
    )  # as dpkg does it
    inode = host.check_output(f"stat -c %i {program}")
    deadline = time.monotonic() + 60
    while set(before) & set(agent("workers")):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert host.check_output(f"systemctl show --property=MainPID --value {UNIT}") == master
    for process in (master, *agent("workers")):
        assert host.check_output(f"stat -Lc %i /proc/{process}/exe") == inode
    assert agent("status", host=STAYS["host"]) == 200
