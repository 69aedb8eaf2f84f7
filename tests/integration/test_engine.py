"""The engine on a real host: containers outlive it, a full disk leaves nothing, and it looks who speaks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration import kept_ssh

ROOT = Path(__file__).parents[2]
NAME = "outlives"


@pytest.fixture
def island(host, hello):
    """A running container; its view."""
    host.run(f"skerry delete {NAME}")
    made = json.loads(host.check_output(f"skerry create {NAME} --image={hello} --json"))["after"]
    yield made
    host.run(f"skerry delete {NAME}")


def started_at(host, container):
    return host.check_output(
        f"systemctl show -P ActiveEnterTimestampMonotonic skerry-{container['id']}.service"
    )


def page(host, container):
    """The status and the body of its page, asked for on the host itself."""
    name = container["url"].removeprefix("https://").split(":")[0].rstrip("/")
    curl = f"curl --silent --cacert /etc/skerry/pki/ca.crt --resolve {name}:443:127.0.0.1 https://{name}/"
    return host.check_output(f"{curl} --write-out ' %{{http_code}}'")


@pytest.mark.parametrize(
    "event",
    [
        "systemctl restart skerry-engine.service",
        "systemctl kill --signal=KILL skerry-engine.service",
        "systemctl restart skerry-engine.socket skerry-engine.service",
    ],
)
def test_containers_and_routes_outlive_the_engine(host, island, event):
    before = started_at(host, island)
    host.check_output(event)
    assert host.run_test("skerry status").rc == 0
    assert started_at(host, island) == before
    assert island["id"] in page(host, island)


def test_a_disk_is_not_limited_to_less_than_its_files_take(host, island):
    files = f"/var/lib/skerry/pool/c/{island['id']}/upper"
    host.check_output(f"dd if=/dev/urandom of={files}/fat bs=1M count=40 status=none")
    refused = host.run(f"skerry update {NAME} --disk=32M")
    assert (refused.rc, "Give at least 4" in refused.stderr) == (2, True), refused.stderr
    assert host.run(f"skerry update {NAME} --disk=48M").rc == 0
    assert host.run(f"skerry restart {NAME}").rc == 0


def test_a_disk_that_is_more_than_full_can_be_made_larger(host, island):
    volume = f"/var/lib/skerry/pool/c/{island['id']}"
    host.check_output(
        f"dd if=/dev/urandom of={volume}/upper/fat bs=1M count=40 status=none; sync -f {volume}"
    )
    group = f"1/{2**47 | int(island['id'], 16) % 2**47}"
    host.check_output(f"btrfs qgroup limit 32M {group} /var/lib/skerry/pool")
    host.check_output(f"skerry update {NAME} --disk=64M")
    host.check_output(f"skerry restart {NAME}")
    assert island["id"] in page(host, island)


def test_a_delete_tells_the_state_before_it(host, island):
    answer = json.loads(host.check_output(f"skerry delete {NAME} --json"))
    assert (answer["before"]["id"], answer["before"]["state"]) == (island["id"], "running")


def test_an_engine_that_cannot_start_says_why(host, island):
    broken = "echo 'garbage[[' >/etc/skerry/engine.toml; systemctl restart skerry-engine.service"
    host.check_output("cp -a /etc/skerry/engine.toml /run/engine.toml")
    try:
        host.run(broken)
        refused = host.run("timeout 30 skerry status")
    finally:
        host.check_output(
            "mv /run/engine.toml /etc/skerry/engine.toml; systemctl restart skerry-engine.service"
        )
    assert refused.rc == 6
    assert "/etc/skerry/engine.toml is not valid TOML" in refused.stderr
    assert island["id"] in page(host, island)


def install(lab, sources):
    """Build the package of a source tree and install it on the lab's host."""
    build = [sys.executable, sources / "packaging/build_deb.py", sources / ".cache/packages"]
    package = subprocess.run(build, check=True, capture_output=True, text=True).stdout.strip()
    unpack = "cat >/run/new.deb && dpkg -i /run/new.deb && rm /run/new.deb"
    with Path(package).open("rb") as file:
        subprocess.run(kept_ssh.command(lab, unpack), stdin=file, check=True, capture_output=True)


def test_containers_outlive_an_upgrade_of_the_package(host, lab, island, tmp_path):
    before, version = started_at(host, island), host.check_output("dpkg-query -W -f '${Version}' skerry")
    subprocess.run(["cp", "-r", ROOT / "packaging", ROOT / "src", tmp_path], check=True)
    changed = tmp_path / "src/skerry/__init__.py"
    changed.write_text(changed.read_text() + "\n# newer\n")
    try:
        install(lab, tmp_path)
        assert host.check_output("dpkg-query -W -f '${Version}' skerry") != version
        assert started_at(host, island) == before
        assert island["id"] in page(host, island)
    finally:
        install(lab, ROOT)
    assert host.check_output("dpkg-query -W -f '${Version}' skerry") == version


@pytest.mark.usefixtures("hello")
@pytest.mark.parametrize("what", ["pool", "state"])
def test_a_full_disk_in_the_middle_of_a_create_or_a_copy_leaves_nothing(on_host, what):
    done = on_host("full_disk.py", what)
    assert done.rc == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    for refused in (report["full"], report["copy"]):
        assert refused["code"] != 0
        assert "full" in refused["stderr"] or "No space left" in refused["stderr"], report
    assert "nospace" not in report["listed"]
    assert "no-copy" not in report["listed"]
    assert report["after"]["code"] == 0, report["after"]
    assert (report["delete"], report["left"]) == (0, [])
    assert on_host("leftovers.py").rc == 0


def test_a_crashing_program_is_tried_again_and_said_so(host, hello):
    host.run("skerry delete crasher")
    failed = host.run(f"skerry create crasher --image={hello} -- /usr/bin/python3 -c 'raise SystemExit(3)'")
    assert failed.rc != 0
    assert "crasher" in failed.stderr
    assert host.run("skerry info crasher").rc != 0, "a failed create must leave nothing"


def test_an_option_that_waits_for_a_restart_is_told_until_then(host, island):
    def pending():
        return json.loads(host.check_output(f"skerry info {NAME} --json"))["container"]["restart_pending"]

    assert not pending()
    before = started_at(host, island)
    host.check_output(f"skerry update {NAME} --env=GREETING=hello")
    assert pending()
    assert started_at(host, island) == before, "a changed option must not restart a container by surprise"
    host.check_output(f"skerry restart {NAME}")
    assert not pending()


def test_tab_completes_names_in_a_login_shell(host, island):
    # What bash does at Tab, by the function that bash-completion has loaded for the command.
    program = (
        "_completion_loader skerry; complete -p skerry >/run/registered; "
        "words=$(complete -p skerry); words=${words#*-F }; "
        f'COMP_LINE="skerry stop {NAME[:3]}"; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9; '
        f"COMP_WORDS=(skerry stop {NAME[:3]}); COMP_CWORD=2; ${{words%% *}} skerry {NAME[:3]} stop; "
        'printf %s "${COMPREPLY[*]}"'
    )
    found = host.run("bash --login -ic %s", program)
    assert found.stdout.split() == [NAME], found
