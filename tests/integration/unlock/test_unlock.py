"""skerry_unlock against a real dropbear and real ssh: the right way, and every wrong one by its name."""

import json
import shutil
import socket
import subprocess
import threading
import time
from glob import glob
from pathlib import Path

import pytest

from plugins.module_utils.unlocking import Code, Endpoint, Found, Unlocker, UnlockError
from skerry_base.core.paths import state_home
from skerry_lab.state import LabStore
from tests.integration.unlock.dropbears import Dropbear, make_key

ROOT = Path(__file__).parents[3]
PASSPHRASE = "correct horse ' battery\\ $staple"
NOWHERE = 9  # nobody listens there


@pytest.fixture
def dropbear(tmp_path):
    one = Dropbear.make(tmp_path, PASSPHRASE)
    one.start()
    yield one
    one.stop()


def unlocker(dropbear, timeout=8.0, system_port=NOWHERE, **changed):
    shared = {
        "host": "127.0.0.1", "known_hosts": str(dropbear.known), "private_key": str(dropbear.folder / "login"),
    }  # fmt: skip
    return Unlocker(
        Endpoint(**{**shared, "port": dropbear.port, **changed}),
        Endpoint(port=system_port, **shared),
        timeout,
        pause=0.2,
    )


def refused(act, code):
    with pytest.raises(UnlockError) as caught:
        act()
    assert caught.value.code is code
    return str(caught.value)


def test_the_right_passphrase_opens_it_and_arrives_as_it_is(dropbear):
    one = unlocker(dropbear)
    assert one.find() is Found.LOCKED
    one.unlock(PASSPHRASE)
    assert dropbear.received == PASSPHRASE


def test_paths_may_have_a_blank(dropbear, tmp_path):
    folder = tmp_path / "of an operator"
    folder.mkdir()
    known, login = (shutil.copy(path, folder) for path in (dropbear.known, dropbear.folder / "login"))
    unlocker(dropbear, known_hosts=str(known), private_key=str(login)).unlock(PASSPHRASE)
    assert dropbear.received == PASSPHRASE


def test_a_connection_that_ends_with_the_initramfs_is_no_failure(dropbear):
    dropbear.plays("cut")
    unlocker(dropbear).unlock(PASSPHRASE)
    assert dropbear.received == PASSPHRASE


def test_wrong_four_times_then_right(dropbear):
    for attempt in range(4):
        said = refused(lambda number=attempt: unlocker(dropbear).unlock(f"wrong {number}"), Code.REFUSED)
        assert "still waits" in said
        assert "wrong " not in said.replace("is wrong", "")
    unlocker(dropbear).unlock(PASSPHRASE)


def test_the_last_try_is_told_apart(dropbear):
    dropbear.plays("last-try")
    assert "rebooted" in refused(lambda: unlocker(dropbear).unlock("wrong"), Code.GIVEN_UP)


def test_another_host_key_is_refused_and_nothing_is_sent(dropbear):
    other = make_key(dropbear.folder / "other").with_suffix(".pub").read_text()
    dropbear.known.write_text(f"[127.0.0.1]:{dropbear.port} {other}")
    said = refused(lambda: unlocker(dropbear).unlock(PASSPHRASE), Code.WRONG_HOST_KEY)
    assert "nothing was sent" in said
    assert dropbear.received is None


def test_a_host_key_that_nobody_pinned_is_refused(dropbear):
    dropbear.known.write_text("")
    said = refused(lambda: unlocker(dropbear).unlock(PASSPHRASE), Code.UNKNOWN_HOST_KEY)
    assert f"[127.0.0.1]:{dropbear.port}" in said
    assert dropbear.received is None


def test_a_key_that_may_not_unlock(dropbear):
    stranger = str(make_key(dropbear.folder / "stranger"))
    refused(lambda: unlocker(dropbear, private_key=stranger).unlock(PASSPHRASE), Code.LOGIN_REFUSED)
    assert dropbear.received is None


def test_a_disk_that_is_not_there(dropbear):
    dropbear.plays("no-disk")
    said = refused(lambda: unlocker(dropbear, timeout=20).unlock(PASSPHRASE), Code.NO_DISK)
    assert "does not find the disk" in said


def test_too_early_is_tried_again(dropbear):
    dropbear.plays("later")
    threading.Timer(1.5, dropbear.plays, [""]).start()
    unlocker(dropbear).unlock(PASSPHRASE)


def test_a_network_that_comes_up_late(dropbear):
    dropbear.stop()
    timer = threading.Timer(2.0, dropbear.start)
    timer.start()
    begin = time.monotonic()
    unlocker(dropbear, timeout=20).unlock(PASSPHRASE)
    assert time.monotonic() - begin > 2


def test_nobody_answers_in_time(dropbear):
    dropbear.stop()
    assert "within 1 s" in refused(lambda: unlocker(dropbear, timeout=1).find(), Code.NO_ANSWER)


def test_a_port_that_accepts_and_says_nothing_is_no_answer(dropbear):
    """As user networking does before the machine is up."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        refused(lambda: unlocker(dropbear, timeout=5, port=port).find(), Code.NO_ANSWER)


@pytest.fixture
def system(tmp_path):
    """Another ssh server, on the port of the system on the disk."""
    (tmp_path / "system").mkdir()
    one = Dropbear.make(tmp_path / "system", "")
    one.start()
    yield one
    one.stop()


def test_a_running_system_is_left_alone(dropbear, system):
    dropbear.stop()
    dropbear.known.write_text(system.known.read_text())
    one = unlocker(dropbear, system_port=system.port)
    assert one.find() is Found.RUNNING
    one.unlock(PASSPHRASE)
    assert (dropbear.received, system.received) == (None, None)


def test_a_rescue_system_on_the_systems_port_is_not_the_system(dropbear, system):
    dropbear.stop()
    refused(lambda: unlocker(dropbear, timeout=1, system_port=system.port).find(), Code.NO_ANSWER)


def test_another_ssh_server_on_the_unlock_port(dropbear, lab):
    login = LabStore(state_home()).get(lab).login
    one = Endpoint("127.0.0.1", login.port, str(login.known_hosts), login.alias, private_key=str(login.key))
    nowhere = Endpoint("127.0.0.1", NOWHERE, str(login.known_hosts))
    said = refused(lambda: Unlocker(one, nowhere, timeout=5).unlock(PASSPHRASE), Code.NOT_DROPBEAR)
    assert "OpenSSH" in said


def module(dropbear, *options, **more):
    """The module as Ansible runs it: all that it printed, and its exit code."""
    arguments = {
        "host": "127.0.0.1", "port": dropbear.port, "known_hosts": str(dropbear.known), "system_port": NOWHERE,
        "private_key": str(dropbear.folder / "login"), "timeout": 8, "passphrase": PASSPHRASE, **more,
    }  # fmt: skip
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [{"skerry.host.skerry_unlock": arguments}],
    }
    (dropbear.folder / "play.yml").write_text(json.dumps([play]))
    command = ["ansible-playbook", "-i", "localhost,", dropbear.folder / "play.yml", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_check_mode_sends_nothing_and_the_module_says_changed(dropbear):
    dry = module(dropbear, "--check")
    assert dry.returncode == 0, dry.stdout
    assert "changed=1" in dry.stdout
    assert dropbear.received is None
    real = module(dropbear, "-vvvv")
    assert "changed=1" in real.stdout
    assert dropbear.received == PASSPHRASE
    assert "battery" not in real.stdout + real.stderr


def test_the_module_fails_with_a_code_and_advice(dropbear):
    wrong = module(dropbear, passphrase="something else")
    assert wrong.returncode == 2
    assert "wrong_passphrase" in wrong.stdout
    assert "Next: The machine still waits" in wrong.stdout
    assert "something else" not in wrong.stdout + wrong.stderr


def test_the_passphrase_is_in_no_command_line_or_environment(dropbear):
    """Looked for in all of /proc, while the other side takes its time."""
    (dropbear.folder / "right").unlink()
    pipe = dropbear.folder / "right"
    subprocess.run(["mkfifo", pipe], check=True)  # comparing with it waits until somebody writes
    thread = threading.Thread(target=unlocker(dropbear).unlock, args=[PASSPHRASE])
    thread.start()
    try:
        until = time.monotonic() + 10
        while dropbear.received != PASSPHRASE and time.monotonic() < until:
            time.sleep(0.05)
        seen = [path for name in ("cmdline", "environ") for path in glob(f"/proc/[0-9]*/{name}") if has(path)]
    finally:
        pipe.write_text(PASSPHRASE)
        thread.join()
    assert dropbear.received == PASSPHRASE
    assert not seen


def has(path):
    try:
        return PASSPHRASE.encode() in Path(path).read_bytes()
    except OSError:  # it ended meanwhile
        return False
