"""Where unlock.yml has the passphrase from: one that is typed opens all servers of the run."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.unlock.dropbears import Dropbear

ROOT = Path(__file__).parents[3]
TYPED = "six random words and a blank"
PATIENCE_S = 120
FLUSH_S = 3  # what is typed ahead of the prompt is thrown away


@pytest.fixture
def two(tmp_path):
    """Two servers that wait for the same passphrase, as the inventory knows them."""
    made = []
    for name in ("isle", "reef"):
        (tmp_path / name).mkdir()
        made.append(Dropbear.make(tmp_path / name, TYPED))
    for one in made:
        one.start()
    yield made
    for one in made:
        one.stop()


def unlock(servers, folder, **variables):
    """The command that unlocks them; it ends when they are unlocked."""
    hosts = {
        one.folder.name: {
            "ansible_host": "127.0.0.1",
            "ansible_connection": "local",
            "ansible_ssh_private_key_file": str(one.folder / "login"),
            "remote_unlock_port": one.port,
            "skerry_known_hosts": str(one.known),
            "luks_root_disks": [],
            "unlock_timeout": 20,
            **variables,
        }
        for one in servers
    }
    inventory = folder / "hosts.json"
    inventory.write_text(json.dumps({"skerry_hosts": {"hosts": hosts}}))
    return ["ansible-playbook", "-i", str(inventory), "playbooks/unlock.yml"]


def type_in(command, passphrase):
    """Run it in a terminal, and type what it asks for; what was on the screen."""
    terminal = ["script", "--quiet", "--return", "--command", " ".join(command), "/dev/null"]
    shown = ""
    with subprocess.Popen(
        ["timeout", str(PATIENCE_S), *terminal], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        while part := process.stdout.read1():
            if "Passphrase of" not in shown and "Passphrase of" in (shown := shown + part.decode()):
                time.sleep(FLUSH_S)
                process.stdin.write(f"{passphrase}\r".encode())
                process.stdin.flush()
            else:
                shown += part.decode()
    return shown


def test_what_is_typed_once_opens_every_server(two, tmp_path):
    shown = type_in(unlock(two, tmp_path), TYPED)
    assert "Passphrase of isle, reef (nothing is shown)" in shown, shown
    assert [one.received for one in two] == [TYPED, TYPED], shown
    assert TYPED not in shown


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "no passphrase was given"),
        ({"luks_root_passphrase": ""}, "no passphrase was given"),
        (
            {"luks_root_passphrase_command": ["sh", "-c", "echo the safe is shut >&2; exit 3"]},
            "luks_root_passphrase_command (sh) failed: the safe is shut",
        ),
        (
            {"luks_root_passphrase_command": ["/not/there"]},
            "luks_root_passphrase_command (/not/there) failed: ",
        ),
    ],
    ids=["nobody to ask", "empty", "a program that fails", "no such program"],
)
def test_without_a_passphrase_nothing_is_sent_and_it_is_said_why(two, tmp_path, variables, message):
    done = subprocess.run(
        unlock(two, tmp_path, **variables),
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode != 0
    assert message in " ".join(done.stdout.split())
    assert [one.received for one in two] == [None, None]


def test_a_server_that_is_down_keeps_no_other_one_locked(two, tmp_path):
    waits, down = two
    down.stop()
    down_for_s = PATIENCE_S - 20
    command = unlock(two, tmp_path, luks_root_passphrase=TYPED, unlock_timeout=down_for_s)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + down_for_s
            while waits.received is None and time.monotonic() < until:
                time.sleep(0.2)
            assert process.poll() is None, "it has not given up the other one"
        finally:
            process.terminate()
    assert waits.received == TYPED
    assert down.received is None
