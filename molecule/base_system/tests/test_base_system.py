"""A host's basics, as it sees them itself."""

from testinfra.host import Host


def test_ssh_takes_keys_only(host: Host) -> None:
    settings = host.check_output("/usr/sbin/sshd -T").splitlines()
    assert "passwordauthentication no" in settings
    assert "kbdinteractiveauthentication no" in settings
    assert "permitrootlogin without-password" in settings


def test_only_security_upgrades_come_unasked_and_nothing_reboots(host: Host) -> None:
    settings = host.check_output("apt-config dump").splitlines()
    origins = [line for line in settings if line.startswith("Unattended-Upgrade::Origins-Pattern:: ")]
    assert len(origins) == 1
    assert "label=Debian-Security" in origins[0]
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in settings
    assert 'APT::Periodic::Unattended-Upgrade "1";' in settings
    assert host.run("unattended-upgrade --dry-run").rc == 0


def test_the_shutdown_helper_of_the_upgrades_hears_of_a_shutdown(host: Host) -> None:
    assert host.service("unattended-upgrades.service").is_running
    assert host.run("/usr/bin/python3 -c 'from gi.repository import GLib'").rc == 0


def test_the_daily_timers_run(host: Host) -> None:
    for name in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(name).is_enabled
        assert host.service(name).is_running


def test_the_journal_lasts_and_is_bounded(host: Host) -> None:
    machine = host.file("/etc/machine-id").content_string.strip()
    assert host.file(f"/var/log/journal/{machine}/system.journal").exists
    assert "SystemMaxUse=1G" in host.check_output("systemd-analyze cat-config systemd/journald.conf")


def test_the_host_knows_its_name_without_a_name_server(host: Host) -> None:
    name = host.check_output("hostname")
    assert host.check_output(f"getent hosts {name}").startswith(("127.0.1.1", "::1"))


def test_time_and_locale(host: Host) -> None:
    assert host.service("systemd-timesyncd.service").is_enabled
    assert host.file("/etc/localtime").linked_to == "/usr/share/zoneinfo/Etc/UTC"
    assert "LANG=C.UTF-8" in host.file("/etc/locale.conf").content_string
