"""What lets one container reach another: its elements in the firewall, and names in a file that stays the same one."""

import os
from pathlib import Path

import pytest

from skerry.model.addresses import addresses
from skerry.model.host import HostConfig
from skerry.parts.base import Part
from skerry.parts.firewall import FirewallEntry
from skerry.parts.neighbours import HostName, Reach, hosts_file

REACH = Reach(
    "app",
    "database:5432",
    "10.90.1.1",
    "fd5e:6b65:7279:0::101",
    "10.90.1.2",
    "fd5e:6b65:7279::102",
    "tcp",
    5432,
)
OWN = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n10.90.1.1\tapp\nfd5e:6b65:7279::101\tapp\n"
DATABASE = "10.90.1.2\tdatabase\nfd5e:6b65:7279::102\tdatabase\n"


@pytest.fixture
def host(tmp_path):
    Path(tmp_path, "c", "1").mkdir(parents=True)
    return HostConfig(domain="example.org", run=str(tmp_path))


@pytest.fixture
def file(host):
    path = Path(host.run, "c", "1", "hosts")
    path.write_text(hosts_file(host, "app", 1, ()), encoding="utf-8")
    path.chmod(0o444)
    return path


def test_a_reach_is_one_element_of_each_family():
    assert [(one.set, one.key) for one in REACH.elements()] == [
        ("reaches4", ("10.90.1.1", "10.90.1.2", "tcp", 5432)),
        ("reaches6", ("fd5e:6b65:7279::101", "fd5e:6b65:7279::102", "tcp", 5432)),
    ]


def test_the_entries_of_a_container_alone_are_not_taken_for_them():
    own = addresses(HostConfig(domain="example.org"), 1)
    assert FirewallEntry(1, own.mac, own.ipv4, own.ipv6, ())._own(REACH.elements()) == set()


@pytest.mark.parametrize("part", [REACH, HostName("1", "app", "database", 2)])
def test_the_journal_gives_back_what_it_was_given(part):
    assert Part.from_json(part.to_json()) == part


def test_a_container_knows_itself_and_its_neighbours_from_its_start(host):
    assert hosts_file(host, "app", 1, ()) == OWN
    assert hosts_file(host, "app", 1, [("database", 2)]) == OWN + DATABASE


def test_a_name_comes_and_goes_in_the_same_file(host, file):
    before, name = os.stat(file).st_ino, HostName("1", "app", "database", 2)
    for _ in range(2):
        name.make(host)
        assert (file.read_text(), name.exists(host)) == (OWN + DATABASE, True)
    for _ in range(2):
        name.remove(host)
        assert (file.read_text(), name.exists(host)) == (OWN, False)
    assert os.stat(file).st_ino == before


def test_a_new_container_of_a_name_takes_the_place_of_the_old_one(host, file):
    HostName("1", "app", "database", 2).make(host)
    HostName("1", "app", "database", 3).make(host)
    HostName("1", "app", "database", 2).remove(host)
    assert file.read_text() == OWN + DATABASE.replace("1.2", "1.3").replace("::102", "::103")


def test_no_reader_sees_a_shorter_file_end_in_the_middle_of_a_line(host, file, monkeypatch):
    """What is shorter is filled up with empty lines until it is cut."""
    HostName("1", "app", "database", 2).make(host)
    seen = []
    monkeypatch.setattr(os, "ftruncate", lambda *_: seen.append(file.read_text()))
    HostName("1", "app", "database", 2).remove(host)
    assert seen == [OWN + "\n" * len(DATABASE)]


def test_a_container_that_does_not_run_has_no_file(host):
    name = HostName("2", "other", "database", 2)
    name.make(host)
    name.remove(host)
    assert not name.exists(host)
    assert not Path(host.run, "c", "2").exists()
