"""The installed server before anybody unlocked it, as its operator and others meet it from afar."""

import os
import subprocess
from pathlib import Path

import pytest

from skerry_lab.lab import Labs
from skerry_lab.state import Lab

HOST = "127.0.0.1"
PATIENCE_S = 300


@pytest.fixture(scope="module")
def lab() -> Lab:
    """The scenario's machine, or the one that SKERRY_LAB names."""
    owner, name = os.environ["SKERRY_LAB_OWNER"], os.environ.get("SKERRY_LAB", "")
    store = Labs.of_this_user().store
    [found] = [store.get(name)] if name else [one for one in store.all() if one.owner == owner]
    return found


def knock(lab: Lab, *options: str, key: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Ssh to the port for unlocking, with a key or none, and nothing on standard input."""
    command = [
        "ssh", "-v", "-F", "none", "-p", str(lab.ports["unlock"]), "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={lab.login.known_hosts}", "-o", "GlobalKnownHostsFile=/dev/null",
        "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none", "-i", str(key or "/dev/null"), *options,
    ]  # fmt: skip
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


def test_the_passphrase_was_not_shown(lab: Lab) -> None:
    said = Path(os.environ["ANSIBLE_LOG"]).read_text(encoding="utf-8")
    assert "Reboot from the disks" in said
    passphrase = lab.passphrase.read_text()
    assert passphrase not in said
    assert passphrase not in lab.console_log.read_text(errors="replace")


def test_the_system_itself_does_not_run_yet(lab: Lab) -> None:
    done = subprocess.run(lab.login.command(["true"]), stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 255


def test_its_host_key_is_pinned_and_is_not_the_systems(lab: Lab) -> None:
    keys = {line.split()[0]: line.split()[2] for line in lab.login.known_hosts.read_text().splitlines()}
    assert keys[f"[{HOST}]:{lab.ports['unlock']}"] not in {
        key for name, key in keys.items() if name == lab.alias
    }
    assert f"Host '[{HOST}]:{lab.ports['unlock']}' is known and matches" in knock(lab, f"root@{HOST}").stderr


def test_neither_a_password_nor_another_key_is_taken(lab: Lab, tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    answer = knock(lab, f"root@{HOST}", key=tmp_path / "key")
    assert answer.returncode == 255
    assert "Authentications that can continue: publickey\n" in answer.stderr
    assert "Permission denied (publickey)." in answer.stderr


def test_a_good_key_opens_neither_a_shell_nor_a_way_into_the_network(lab: Lab) -> None:
    answer = knock(lab, f"root@{HOST}", "echo a shell; cat /proc/version", key=lab.key)
    assert "Authenticated to " in answer.stderr
    assert "a shell" not in answer.stdout
    assert "Linux version" not in answer.stdout
    assert answer.returncode != 0  # nothing is no passphrase
    forwarded = knock(lab, "-W", f"{HOST}:{22}", f"root@{HOST}", key=lab.key)
    assert forwarded.returncode == 255
    assert "administratively prohibited" in forwarded.stderr
