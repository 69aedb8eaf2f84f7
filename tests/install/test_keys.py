"""The keys of a real volume: replaced through a power cut, never the last one lost, its header kept and put back."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest

from skerry_lab import mitogen
from tests.install.conftest import play_on
from tests.install.in_rescue import VOLUME, lab, opens, rescue_system
from tests.install.rescue_lab import ROOT, Machine

NEW, PAPER = "the passphrase of tomorrow", "written on a paper"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def server(locked: Machine) -> Iterator[Machine]:
    with rescue_system(locked) as machine:
        yield machine


@pytest.fixture
def keys(server: Machine) -> Callable:
    """Runs a playbook of the keys on the server's volume: ``keys("add", keys_name="paper")``."""
    return lambda name, **values: play_on(server, f"playbooks/keys/{name}.yml", *given(**values))


def given(**values) -> list[str]:
    return ["--extra-vars", json.dumps({"keys_device": VOLUME, **values})]


def slots(server: Machine) -> set[str]:
    return set(json.loads(server.run(f"cryptsetup luksDump --dump-json-metadata {VOLUME}"))["keyslots"])


def first(server: Machine) -> str:
    return server.lab.passphrase.read_text()


def test_the_last_key_is_never_removed(keys, server):
    answer = keys("remove", keys_name="slot0")
    assert answer.returncode != 0
    assert "is the last key" in " ".join(answer.stdout.split())
    assert slots(server) == {"0"}


def test_a_key_cannot_be_removed_by_itself(keys, server):
    assert keys("add", keys_name="paper", keys_new_passphrase=PAPER).returncode == 0
    answer = keys("remove", keys_name="paper", luks_root_passphrase=PAPER)
    assert answer.returncode != 0
    assert "is the key 'paper' itself" in " ".join(answer.stdout.split())
    again = keys("add", keys_name="paper", keys_new_passphrase=PAPER)
    assert "changed=0" in again.stdout, again.stdout
    assert slots(server) == {"0", "1"}


def test_a_header_is_kept_and_put_back(keys, server, tmp_path):
    key = tmp_path / "headers.key"
    subprocess.run(["age-keygen", "-o", key], check=True, capture_output=True)
    public = subprocess.run(
        ["age-keygen", "-y", key], check=True, capture_output=True, text=True
    ).stdout.strip()
    folder = tmp_path / "headers"
    values = {"keys_backup_recipients": [public], "keys_backup_folder": str(folder)}
    assert keys("backup", **values).returncode == 0
    assert "changed=0" in keys("backup", **values).stdout
    [kept] = folder.iterdir()
    uuid = server.run(f"cryptsetup luksUUID {VOLUME}").strip()
    assert uuid in kept.name
    assert kept.stat().st_mode & 0o077 == 0

    server.run(f"dd if=/dev/zero of={VOLUME} bs=64K count=1 conv=fsync status=none")
    assert not opens(server, first(server))

    back = {"keys_file": str(kept), "keys_identity": str(key)}
    refused = keys("restore", **back, keys_uuid=NOBODY)
    assert refused.returncode != 0
    assert f"the backup is of the volume {uuid}" in " ".join(refused.stdout.split())
    assert keys("restore", **back, keys_uuid=uuid).returncode == 0
    assert opens(server, first(server))
    assert "changed=0" in keys("restore", **back, keys_uuid=uuid).stdout


def test_a_power_cut_in_a_rotation_leaves_a_key_and_the_next_run_goes_on(keys, server):
    words = ["ansible-playbook", "playbooks/keys/rotate.yml", *given(keys_new_passphrase=NEW)]
    settings = {**os.environ, **mitogen.environment(), "SKERRY_LAB": server.lab.name}
    with subprocess.Popen(words, cwd=ROOT, env=settings, stdout=subprocess.DEVNULL) as rotation:
        while len(slots(server)) < 3:
            assert rotation.poll() is None
            time.sleep(1)
        lab("power", server.lab.name, "cut")
        rotation.terminate()
    lab("rescue", server.lab.name)

    assert opens(server, first(server)) or opens(server, NEW)
    assert keys("rotate", keys_new_passphrase=NEW).returncode == 0
    assert not opens(server, first(server))
    assert opens(server, NEW)
    assert opens(server, PAPER)
    again = keys("rotate", keys_new_passphrase=NEW)
    assert again.returncode == 0
    assert "changed=0" in again.stdout
