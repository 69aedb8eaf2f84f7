"""Which labs Ansible sees, and what it is told of each."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from skerry_base.core.errors import SkerryError
from skerry_lab.board import Board, Disk
from skerry_lab.inventory import chosen, listing
from skerry_lab.recipe import Kind
from skerry_lab.state import LabStore
from tests.unit.lab.labs import make_lab, run, run_ready


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LabStore:
    monkeypatch.delenv("SKERRY_LAB", raising=False)
    monkeypatch.delenv("SKERRY_LAB_OWNER", raising=False)
    return LabStore(tmp_path)


def names(store: LabStore, wanted: str | None = None) -> list[str]:
    return [lab.name for lab in chosen(store, wanted)]


def test_by_default_the_users_own_running_labs_and_no_tests(store: LabStore) -> None:
    run_ready(make_lab(store, "mine"))
    run_ready(make_lab(store, "test", owner="molecule /somewhere"))
    run(make_lab(store, "starting"))
    make_lab(store, "dead")
    assert names(store) == ["mine"]


def test_a_test_sees_its_own_only(store: LabStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run_ready(make_lab(store, "mine"))
    run_ready(make_lab(store, "test", owner="molecule /somewhere"))
    monkeypatch.setenv("SKERRY_LAB_OWNER", "molecule /somewhere")
    assert names(store) == ["test"]


def test_named_ones_whoever_made_them(store: LabStore, monkeypatch: pytest.MonkeyPatch) -> None:
    run_ready(make_lab(store, "mine"))
    make_lab(store, "test", owner="test")
    assert names(store, "test, mine") == ["test", "mine"]
    monkeypatch.setenv("SKERRY_LAB", "test")
    assert names(store) == ["test"]


def test_a_name_that_is_not_there_is_an_error_not_an_empty_fleet(store: LabStore) -> None:
    with pytest.raises(SkerryError, match="no lab named 'tri'"):
        chosen(store, "tri")


def test_each_lab_is_in_the_group_of_its_kind(store: LabStore) -> None:
    shown = listing([make_lab(store, "a"), make_lab(store, "b", kind=Kind.METAL)])
    assert shown["skerry_hosts"] == {"children": ["lab_fast", "lab_metal"]}
    assert shown["lab_fast"] == {"hosts": ["a"]}
    assert shown["lab_metal"] == {"hosts": ["b"]}


def test_the_host_key_is_pinned(store: LabStore) -> None:
    lab = make_lab(store)
    told = listing([lab])["_meta"]["hostvars"]["try"]
    assert (told["ansible_host"], told["ansible_port"]) == ("127.0.0.1", 20001)
    words = shlex.split(told["ansible_ssh_common_args"])
    assert "StrictHostKeyChecking=yes" in words
    assert f"UserKnownHostsFile={lab.home}/known_hosts" in words
    assert "HostKeyAlias=skerry-lab-try" in words
    assert told["proxy_ca_fetch_to"] == f"{lab.home}/ca.crt"
    assert told["skerry_https_port_public"] == 20002


def test_a_machine_with_blank_disks_is_told_as_an_operator_would(store: LabStore) -> None:
    pulled = Disk("SK1", plugged=False)
    lab = replace(make_lab(store, kind=Kind.METAL), board=Board(disks=(Disk("SK0"), pulled)))
    lab = replace(lab, ports={**lab.ports, "unlock": 20003})
    lab.key.with_suffix(".pub").write_text("ssh-ed25519 AAAA root@try\n")
    lab.passphrase.write_text("secret")
    shown = listing([lab])
    told = shown["_meta"]["hostvars"]["try"]
    assert shown["lab_bare"]["hosts"] == ["try"]
    assert "lxc" in shown["lab_bare"]["vars"]["base_system_tarball_packages"]
    assert told["luks_root_disks"] == [
        {"id": f"/dev/disk/by-id/nvme-QEMU_NVMe_Ctrl_{serial}", "serial": serial} for serial in ("SK0", "SK1")
    ]
    assert told["remote_unlock_port_public"] == 20003
    assert told["skerry_known_hosts"] == f"{lab.home}/known_hosts"
    assert "secret" not in str(shown)
    assert told["base_system_kernel_folder"] == ""
    (own,) = listing([replace(lab, kernel=Path("/k"))])["_meta"]["hostvars"].values()
    assert own["base_system_kernel_folder"] == "/k"
