"""The walls that hold without cgroup controllers and AppArmor, tried from inside a container."""

import json

import pytest

from tests.integration import walls

LIMIT = 64 * 1024**2  # prison.py's


@pytest.fixture(scope="module")
def report(hello, on_host):
    done = on_host("prison.py", "who", "syscalls", "families", "fill", "inodes")
    assert done.rc == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_root_inside_is_nobody_outside(report):
    walls.check_identity(report)


def test_dangerous_calls_are_refused_and_unknown_ones_unknown(report):
    walls.check_syscalls(report)


def test_only_the_address_families_that_programs_need_can_be_used(report):
    walls.check_families(report)


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


HARMFUL = {0x1B, 0x07, 0x0D, 0x7F, 0x9B, 0xFF}  # bytes, and as characters
PROGRAM = (
    "import sys; out = sys.stdout.buffer; "
    "out.write(bytes([27]) + b']0;PWNED' + bytes([7, 13, 127, 255, 194, 155, 226, 128, 174])); "
    "out.write(b'\\n<0>to all terminals\\n'); sys.exit(1)"
)


def test_a_log_cannot_command_the_terminal_that_it_is_shown_on(host, hello, lab):
    host.run("skerry delete shouter")
    try:
        command = f'skerry create shouter --image={hello} --wait=running --timeout=5 -- /usr/bin/python3 -c "{PROGRAM}"'
        host.run(command)
        log = host.run("skerry restart shouter --wait=ready --timeout=2; skerry info shouter; true")
        shown = log.stdout + log.stderr
        assert not set(map(ord, shown)) & HARMFUL, shown
        assert "\u202e" not in shown
        assert "\\x1b]0;PWNED" in shown
        entries = host.check_output(
            "journalctl --namespace='*' --output=json SYSLOG_IDENTIFIER=skerry/shouter"
        )
        found = [json.loads(line) for line in entries.splitlines()]
        assert {entry["PRIORITY"] for entry in found} == {"6"}
        assert any("<0>to all terminals" in str(entry["MESSAGE"]) for entry in found)
        assert not host.check_output("journalctl --namespace='*' --quiet --lines=1 SYSLOG_IDENTIFIER=shouter")
    finally:
        host.run("skerry delete shouter")


@pytest.mark.parametrize(
    "unit", ["skerry-firewall", "skerry-network", "skerry-proxy", "skerry-engine", "skerry-namespaces"]
)
def test_the_hosts_own_units_are_hardly_exposed(host, unit):
    said = host.check_output(f"systemd-analyze security --no-pager {unit} | tail -1")
    assert float(said.split(":")[1].split()[0]) <= 4, said


def test_the_resolver_asks_and_answers_by_dns_only(host):
    assert ":5355 " not in host.check_output("ss --listening --udp --tcp --numeric")
