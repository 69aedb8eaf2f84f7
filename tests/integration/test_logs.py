"""The log of a container: whole, apart from the host's own and other realms', bounded, and harmless to a terminal."""

import json
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.integration import tenants

TALK = r'echo first; printf "\033]0;PWNED\007\n"; n=0; while :; do echo line $n; n=$((n+1)); sleep 0.2; done'
FLOOD = "exec tr '\\\\0' x < /dev/zero | fold -w 30000"
FLOODED = 16  # MiB that a realm's journal may take in this test


@pytest.fixture
def talker(host: Host, hello: str) -> Iterator[str]:
    host.run("skerry delete talker")
    host.check_output(f"skerry create talker --image {hello} --wait running -- /bin/sh -c '{TALK}'")
    yield "talker"
    host.run("skerry delete talker")


def test_lines_lives_and_times(host: Host, talker: str) -> None:
    host.check_output("sleep 1; skerry restart talker --wait running --grace 0; sleep 1")
    lines = host.check_output("skerry logs talker").splitlines()
    assert [line.split("  ")[-1] for line in lines[:2]] == ["first", "\\x1b]0;PWNED\\x07"]
    assert lines.count("-- started anew --") == 1
    assert len(host.check_output("skerry logs talker --lines 3").splitlines()) == 3
    assert host.check_output("skerry logs talker --until 1h") == ""
    assert "line" in host.check_output("skerry logs talker --since 1m -n 1")
    one = json.loads(host.check_output("skerry logs talker -n 1 --json"))
    assert one["text"].startswith("line ")
    refused = host.run("skerry logs talker --since nonsense")
    assert (refused.rc, "Failed to parse timestamp" in refused.stderr) == (1, True)


def test_a_realms_only_container_is_restarted_at_will(host: Host, talker: str) -> None:
    """Its journal would end with it each time, and systemd starts nothing more than five times in ten seconds."""
    for _ in range(7):
        host.check_output(f"skerry restart {talker} --wait running --grace 0")


def test_a_journal_that_ends_costs_lines_and_no_container(host: Host, talker: str) -> None:
    units = "'systemd-journald@skerry-*.s*'"
    host.check_output(f"systemctl stop {units}; sleep 1")
    host.check_output(
        f"systemctl start $(systemctl list-units --all --plain --no-legend {units} | grep -o '.*[.]socket')"
    )
    host.check_output(
        "timeout 10 sh -c 'until skerry logs talker --since 1s | grep line; do sleep 0.2; done'"
    )
    container = json.loads(host.check_output("skerry info talker --json"))["container"]
    assert (container["state"], container["restarts"]) == ("running", 0)


def test_follow_goes_on(host: Host, talker: str) -> None:
    followed = host.run("timeout 3 skerry logs talker --follow --lines 1").stdout.splitlines()
    assert len(followed) > 5


def test_what_an_older_skerry_wrote_elsewhere_is_shown_too(host: Host, talker: str) -> None:
    """A unit of before logs to the host's own journal: one that looks like it."""
    unit = f"skerry-{json.loads(host.check_output('skerry info talker --json'))['container']['id']}.service"
    host.check_output(f"skerry stop talker; systemd-run --wait --unit={unit} echo from before")
    assert "from before" in host.check_output("skerry logs talker")


def test_the_log_goes_with_the_container(host: Host, talker: str) -> None:
    host.check_output("skerry delete talker")
    assert host.run("skerry logs talker").rc == 3


def test_a_flood_stays_in_its_realm(host: Host, hello: str) -> None:
    config = "/etc/skerry/engine.toml"
    host.check_output(
        f"cp {config} /run/engine.toml; sed -i '/^log_disk/d; $ a log_disk = \"{FLOODED}M\"' {config}"
    )
    tenants.make(host, "flood/default")
    host.check_output(
        "systemctl restart skerry-engine; logger canary-line; skerry delete flood --realm flood; true"
    )
    try:
        command = f'skerry create flood --realm flood --image {hello} --wait running -- /bin/sh -c "{FLOOD}"'
        host.check_output(f"{command}; sleep 8; skerry stop flood --realm flood --grace 0")
        realm = "$(ls -d /var/log/journal/*.skerry-* | head -99)"
        flooded = host.check_output(f"du -sm {realm} | sort -n | tail -1 | cut -f1")
        assert int(flooded) <= FLOODED + 8
        assert "xxxx" in host.check_output("skerry logs flood --realm flood -n 1")
        assert host.check_output("journalctl --no-pager --output cat --grep '^x{1000}' | wc -l") == "0"
        assert (
            host.check_output("journalctl --no-pager --output cat --grep '^canary-line' | tail -1")
            == "canary-line"
        )
    finally:
        host.run(
            f"skerry delete flood --realm flood; cp /run/engine.toml {config}; systemctl restart skerry-engine"
        )
        tenants.delete(host, "flood/default")
