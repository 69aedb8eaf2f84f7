"""The walls that hold without cgroup controllers and AppArmor, tried from inside a container."""

import json

import pytest

from tests.integration import walls

LIMIT = 64 * 1024**2  # prison.py's


@pytest.fixture(scope="module")
def report(hello, on_host):
    done = on_host("prison.py", "who", "syscalls", "fill", "inodes")
    assert done.rc == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_root_inside_is_nobody_outside(report):
    walls.check_identity(report)


def test_dangerous_calls_are_refused_and_unknown_ones_unknown(report):
    walls.check_syscalls(report)


def test_the_disk_ends_at_its_limit(report):
    walls.check_disk(report, LIMIT)


def test_no_two_files_share_an_inode(report):
    walls.check_inodes(report)


def test_a_host_without_controllers_says_so_everywhere(host):
    listed = json.loads(host.check_output("skerry status --json"))
    assert listed["fences"] == "reported"


def test_a_link_at_its_root_leads_the_host_nowhere(host, hello):
    """Whoever mounts the root is the host's root: a name that it opened in there would be followed out of it."""
    plant = "ln -s /etc/planted /.skerry-write"
    host.run("rm -f /etc/planted; skerry delete climber")
    host.check_output(
        f"skerry create climber --image={hello} --wait=running -- "
        f"/bin/sh -c '{plant}; /bin/touch /done; exec /bin/sleep 60'"
    )
    try:
        made = json.loads(host.check_output("skerry info climber --json"))["container"]
        files = f"/var/lib/skerry/pool/c/{made['id']}/upper"
        host.check_output(f"timeout 20 sh -c 'until test -e {files}/done; do sleep 0.1; done'")
        host.check_output("skerry restart climber --wait=running")
        assert not host.file("/etc/planted").exists
        assert host.file(f"{files}/.skerry-write").is_symlink
    finally:
        host.run("skerry delete climber; rm -f /etc/planted")
