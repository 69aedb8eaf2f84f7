"""site.yml a second time, on a host that somebody changed, and on one that is not for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from testinfra.host import Host

from tests.integration.playbooks import play

SSH = "/etc/ssh/sshd_config.d/10-skerry.conf"


def test_a_second_run_changes_nothing(lab: str) -> None:
    changed = play(lab, "site.yml").ok().changed
    assert not changed, "\n".join(changed)


def test_a_file_changed_by_hand_is_found_and_mended(lab: str, host: Host) -> None:
    wanted = host.file(SSH).content_string
    host.run_test("sh -c %s", f"echo PermitEmptyPasswords yes >>{SSH}")
    found = play(lab, "site.yml", "--tags=base_system", "--check", "--diff").ok()
    assert "-PermitEmptyPasswords yes" in found.output
    assert host.file(SSH).content_string != wanted
    play(lab, "site.yml", "--tags=base_system").ok()
    assert host.file(SSH).content_string == wanted


@pytest.fixture
def bookworm(host: Host) -> Iterator[None]:
    """The host says that it is Debian 12."""
    release = host.check_output("readlink /etc/os-release")
    text = host.file("/etc/os-release").content_string.replace("13", "12").replace("trixie", "bookworm")
    version = host.file("/etc/debian_version").content_string
    host.check_output("rm /etc/os-release")
    host.check_output("printf %%s %s >/etc/os-release", text)
    host.check_output("echo 12.1 >/etc/debian_version")
    yield
    host.check_output("ln -sfn %s /etc/os-release", release)
    host.check_output("printf %%s %s >/etc/debian_version", version)


@pytest.mark.usefixtures("bookworm")
def test_another_debian_is_refused_with_what_was_found_and_what_would_be_right(lab: str) -> None:
    refused = play(lab, "site.yml", "--tags=always")
    said = " ".join(refused.output.split())
    assert refused.code != 0
    assert f"{lab} is Debian 12, x86_64, systemd, cgroup2 on /sys/fs/cgroup." in said
    assert "Skerry needs Debian 13, x86_64, systemd, cgroup2 on /sys/fs/cgroup. Nothing was changed." in said


def test_a_disk_that_is_not_encrypted_is_named(lab: str) -> None:
    assert f"{lab}: adopted: its disk is not encrypted" in play(lab, "site.yml", "--tags=always").ok().output


def test_nobody_is_locked_out(lab: str, tmp_path: Path) -> None:
    # Who connects has no key in the home folder that Ansible sees.
    book = tmp_path / "no_key.yml"
    book.write_text(
        "- name: No key\n  hosts: skerry_hosts\n  environment: {HOME: /nonexistent}\n"
        "  roles: [skerry.host.base_system]\n"
    )
    refused = play(lab, str(book))
    assert refused.code != 0
    assert refused.changed == []
    assert "nobody could log in any more" in " ".join(refused.output.split())
